namespace Eider.Machines.Kernels;

/// <summary>What the header of a boot image says.</summary>
/// <param name="Blocks">Number of blocks, the header included.</param>
/// <param name="ProgramBytes">Bytes of the program, a multiple of 1024.</param>
/// <param name="RestBytes">Bytes of the file behind the last block, which no loader reads.</param>
public sealed record BootImageInfo(uint Blocks, long ProgramBytes, long RestBytes);
