namespace Eider.Machines.Kernels;

/// <summary>A loadable segment of an ELF file.</summary>
/// <param name="FileOffset">Where its bytes begin in the file.</param>
/// <param name="VirtualAddress">Where it runs.</param>
/// <param name="PhysicalAddress">Where it is loaded.</param>
/// <param name="FileBytes">How many bytes the file has of it.</param>
/// <param name="MemoryBytes">How many it occupies; the rest is zero.</param>
internal sealed record ElfSegment(
    ulong FileOffset, ulong VirtualAddress, ulong PhysicalAddress, ulong FileBytes, ulong MemoryBytes);
