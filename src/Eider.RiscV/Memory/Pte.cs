namespace Eider.RiscV.Memory;

/// <summary>Bits of a page table entry (Privileged ISA, "Sv39: Page-Based 39-bit Virtual-Memory System").</summary>
internal static class Pte
{
    public const ulong V = 1;
    public const ulong R = 1 << 1;
    public const ulong W = 1 << 2;
    public const ulong X = 1 << 3;
    public const ulong U = 1 << 4;
    public const ulong A = 1 << 6;
    public const ulong D = 1 << 7;

    /// <summary>Bits 63 (Svnapot), 62:61 (Svpbmt) and 60:54: reserved here.</summary>
    public const ulong Reserved = 0xFFC0_0000_0000_0000;

    public const int PpnShift = 10;
    public const ulong PpnMask = (1UL << 44) - 1;
}
