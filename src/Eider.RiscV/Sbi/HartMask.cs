namespace Eider.RiscV.Sbi;

/// <summary>The harts that a call names (SBI specification, "Hart list parameter").</summary>
internal static class HartMask
{
    /// <summary>The harts of mask shifted left by base; all of them if base is all ones.</summary>
    /// <returns>False if a hart is named that does not exist.</returns>
    public static bool TryResolve(ulong mask, ulong maskBase, int hartCount, out uint harts)
    {
        harts = (1u << hartCount) - 1;
        if (maskBase == ulong.MaxValue)
        {
            return true;
        }

        var all = harts;
        harts = maskBase < 64 ? (uint)(mask << (int)maskBase) & all : 0;
        return mask == 0 || (maskBase < 64 && (mask << (int)maskBase) >> (int)maskBase == mask && (mask << (int)maskBase) <= all);
    }
}
