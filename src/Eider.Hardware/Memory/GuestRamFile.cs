namespace Eider.Hardware.Memory;

/// <summary>A region of guest memory that is a part of a file: what is in the file is in memory, without being copied.</summary>
/// <param name="Base">Guest-physical address of the first byte; a multiple of 4096.</param>
/// <param name="SizeBytes">Size in bytes; a multiple of 4096.</param>
/// <param name="File">The file, opened for reading, and for writing if it is shared; closed with the memory. Nobody may cut it off meanwhile.</param>
/// <param name="OffsetBytes">Where the part begins in the file, in bytes; a multiple of 4096.</param>
/// <param name="IsShared">True: what is written goes to the file. False: it goes to a copy of this memory's own.</param>
/// <param name="IsReadOnly">True: neither harts nor devices can write.</param>
public sealed record GuestRamFile(ulong Base, ulong SizeBytes, FileStream File, long OffsetBytes, bool IsShared, bool IsReadOnly);
