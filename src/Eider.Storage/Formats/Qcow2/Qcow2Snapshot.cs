namespace Eider.Storage.Formats.Qcow2;

/// <summary>An entry of the table of internal snapshots (qcow2 specification, "Snapshots").</summary>
public sealed record Qcow2Snapshot
{
    /// <summary>Byte of the file where its L1 table starts.</summary>
    public required long L1Offset { get; init; }

    /// <summary>Entries of its L1 table.</summary>
    public required int L1Entries { get; init; }

    /// <summary>Its unique id: a number as text, mostly.</summary>
    public required string Id { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>When it was taken: seconds since 1970 in UTC.</summary>
    public uint DateSeconds { get; init; }

    /// <summary>The part of a second, in nanoseconds.</summary>
    public uint DateNanoseconds { get; init; }

    /// <summary>How long the guest had been running, in nanoseconds.</summary>
    public ulong GuestClockNanoseconds { get; init; }

    /// <summary>Size of the saved state of the machine in bytes; 0 if there is none.</summary>
    public ulong StateBytes { get; init; }

    /// <summary>Size of the disk then, in bytes; null if the entry does not say: then it is the size of the image.</summary>
    public long? DiskBytes { get; init; }

    /// <summary>Id and name as the file has them, which need not be UTF-8; empty for a new one.</summary>
    internal (ReadOnlyMemory<byte> Id, ReadOnlyMemory<byte> Name) Raw { get; init; }

    /// <summary>Extra data behind the known fields, kept as it was found.</summary>
    public ReadOnlyMemory<byte> UnknownExtra { get; init; }
}
