using Eider.Storage;

namespace Eider.Devices.Ide;

/// <summary>One step that takes time. A channel has one at a time.</summary>
internal readonly record struct IdeJob
{
    /// <summary>What.</summary>
    public IdeJobKind Kind { get; init; }

    /// <summary>Which device asked.</summary>
    public int Unit { get; init; }

    /// <summary>On what; null for the jobs of the bus master.</summary>
    public BlockStorage? Storage { get; init; }

    /// <summary>Where in the storage.</summary>
    public long OffsetBytes { get; init; }

    /// <summary>How much.</summary>
    public int LengthBytes { get; init; }

    /// <summary>Where in the channel's buffer.</summary>
    public int BufferOffset { get; init; }

    /// <summary>A bus master job that begins at the start of a table; null goes on where the last one ended.</summary>
    public uint? TableAddress { get; init; }
}
