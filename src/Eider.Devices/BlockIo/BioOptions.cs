using Eider.Storage;

namespace Eider.Devices.BlockIo;

/// <summary>What a BIO is made of.</summary>
public sealed record BioOptions
{
    /// <summary>The storages, each with an id of its own. They stay the caller's to flush and close.</summary>
    public required IReadOnlyList<BioStorage> Storages { get; init; }

    /// <summary>What statistics, traces and messages call it.</summary>
    public string Name { get; init; } = "bio";

    /// <summary>
    /// True: a write that has ended may be lost with the host until the storage is flushed. False: it is durable, since a BIO has no command for that.
    /// </summary>
    public bool WriteBack { get; init; }

    /// <summary>Told of every failure of the host behind a command, on the BIO's worker. Must return soon.</summary>
    public Action<BlockStorageException>? HostFailed { get; init; }
}
