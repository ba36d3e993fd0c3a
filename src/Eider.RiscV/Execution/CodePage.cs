namespace Eider.RiscV.Execution;

/// <summary>The decoded blocks of one physical page. Lives as long as the engine; dropping blocks empties it.</summary>
internal unsafe struct CodePage
{
    /// <summary>Halfwords of a page: places where a block can begin.</summary>
    public const int Places = 2048;

    /// <summary>The page in host memory.</summary>
    public byte* Host;

    /// <summary>Which region of RAM it is of.</summary>
    public int Region;

    /// <summary>Number of the page in its region.</summary>
    public ulong Number;

    /// <summary>One bit for each 64 bytes that a decoded block covers.</summary>
    public ulong Lines;

    /// <summary>Stores that took the slow path since the page had its last decoded byte.</summary>
    public int IdleStores;

    /// <summary>For each halfword: index into the arena of the first operation of the block there; 0 if none.</summary>
    public fixed int Blocks[Places];
}
