namespace Eider.Devices.BlockIo;

/// <summary>One step that takes time. A BIO has one at a time.</summary>
internal readonly record struct BioJob
{
    /// <summary>On what.</summary>
    public BioStorage Storage { get; init; }

    /// <summary>True: from the guest to the storage.</summary>
    public bool IsWrite { get; init; }

    /// <summary>True: between storage and RAM; false: through the buffer of the data port.</summary>
    public bool IsDma { get; init; }

    /// <summary>True for the first step of a command: nothing of it was checked yet.</summary>
    public bool IsFirst { get; init; }

    /// <summary>The first block that is left.</summary>
    public uint Block { get; init; }

    /// <summary>How many blocks are left.</summary>
    public uint Count { get; init; }

    /// <summary>Where in RAM.</summary>
    public uint Address { get; init; }

    /// <summary>Blocks of them that lie in the port's buffer, to be written.</summary>
    public uint PortBlocks { get; init; }

    /// <summary>Their length in bytes.</summary>
    public int PortBytes { get; init; }
}
