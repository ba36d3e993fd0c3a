namespace Eider.Devices.BlockIo;

/// <summary>All that a guest can see of a BIO, so that a reset is one assignment.</summary>
internal struct BioState
{
    /// <summary>Status: ready, error, busy.</summary>
    public BioStatus Flags;

    /// <summary>The selected storage.</summary>
    public BioStorage? Selected;

    /// <summary>First block of the next command.</summary>
    public uint Block;

    /// <summary>Number of blocks of the next command.</summary>
    public uint Count;

    /// <summary>Buffer of the next command.</summary>
    public uint Address;

    /// <summary>DMA is on.</summary>
    public bool IsDma;

    /// <summary>A command has ended, and nobody has read STATUS since.</summary>
    public bool IsInterruptPending;

    /// <summary>The data port gives or takes words of a command.</summary>
    public bool IsPortOpen;

    /// <summary>It takes them.</summary>
    public bool IsPortWrite;

    /// <summary>The command that the port belongs to, with the blocks that are not in the buffer yet.</summary>
    public BioJob Port;

    /// <summary>Blocks in the port's buffer.</summary>
    public uint PortBlocks;

    /// <summary>Bytes in the port's buffer.</summary>
    public int PortBytes;

    /// <summary>How many of them were given or taken.</summary>
    public int PortIndex;

    /// <summary>As after power-on and SRST.</summary>
    public static BioState Initial => new() { Flags = BioStatus.Ready };
}
