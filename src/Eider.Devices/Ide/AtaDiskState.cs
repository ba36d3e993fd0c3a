namespace Eider.Devices.Ide;

/// <summary>Settings and progress of a disk; a reset assigns, a snapshot copies.</summary>
internal struct AtaDiskState
{
    /// <summary>Heads of the translation that the host set.</summary>
    public int Heads;

    /// <summary>Sectors of a track of that translation.</summary>
    public int SectorsPerTrack;

    /// <summary>Sectors of a block of READ and WRITE MULTIPLE; 0 if those are off.</summary>
    public int MultipleSectors;

    /// <summary>The transfer mode.</summary>
    public AtaTransferMode Mode;

    /// <summary>A write ends before it is durable.</summary>
    public bool HasWriteCache;

    /// <summary>Read look-ahead; has no effect.</summary>
    public bool HasLookAhead;

    /// <summary>SRST keeps the settings above.</summary>
    public bool KeepsSettings;

    /// <summary>The power mode.</summary>
    public AtaPowerMode Power;

    /// <summary>The number of sectors that SET MAX ADDRESS left; 0 for all.</summary>
    public long MaxSectors;

    /// <summary>The command before was READ NATIVE MAX ADDRESS: SET MAX ADDRESS may come.</summary>
    public bool MaySetMax;

    /// <summary>SECURITY FREEZE LOCK came.</summary>
    public bool IsFrozen;

    /// <summary>The running transfer.</summary>
    public AtaTransfer Transfer;

    /// <summary>Sectors of the chunk that the storage has in hand.</summary>
    public int ChunkSectors;

    /// <summary>The sector of a failed chunk that is tried alone; -1 if none is.</summary>
    public int ProbedSector;

    /// <summary>Bytes of an answer that goes by the bus master; 0 for a transfer of sectors.</summary>
    public int ReplyBytes;

    /// <summary>Blocks of a TRIM list; 0 for a transfer of sectors.</summary>
    public int TrimBlocks;

    /// <summary>The next range of the list.</summary>
    public int TrimIndex;

    /// <summary>The bus master's table ended early: what came is written, then the command is over.</summary>
    public bool IsCutShort;
}
