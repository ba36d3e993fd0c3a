namespace Eider.Storage.Tests.Crash;

/// <summary>Which sectors of an operation reached the disk: all, the first, the last, or any.</summary>
internal readonly record struct CrashTear(int Kind, int Point, int Seed)
{
    public static readonly CrashTear None = new(0, 0, 0);

    public bool KeepsAll => Kind == 0;

    /// <summary>A tear of an operation of more than one sector.</summary>
    public static CrashTear Of(CrashLog.Entry entry, Random random)
    {
        var sectors = (int)(((entry.Offset + entry.Length + 511) / 512) - (entry.Offset / 512));
        return new CrashTear(random.Next(1, 4), random.Next(1, Math.Max(2, sectors)), random.Next());
    }

    /// <summary>True if a sector of the operation, counted from its first, is there.</summary>
    public bool Keeps(int sector) => Kind switch
    {
        0 => true,
        1 => sector < Point,
        2 => sector >= Point,
        _ => (HashCode.Combine(sector, Seed) & 1) == 0,
    };
}
