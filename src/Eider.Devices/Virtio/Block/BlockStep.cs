namespace Eider.Devices.Virtio.Block;

/// <summary>What a request does next.</summary>
internal enum BlockStep
{
    /// <summary>Moves its data between guest and storage.</summary>
    Transfer,

    /// <summary>Handles the next of its ranges.</summary>
    Range,

    /// <summary>Makes durable what was written.</summary>
    Commit,

    /// <summary>Nothing: the status is known.</summary>
    Done,
}
