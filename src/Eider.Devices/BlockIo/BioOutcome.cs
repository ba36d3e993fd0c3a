namespace Eider.Devices.BlockIo;

/// <summary>How a job ended.</summary>
internal enum BioOutcome
{
    /// <summary>Well.</summary>
    Done,

    /// <summary>The storage has no such blocks.</summary>
    OutOfRange,

    /// <summary>The storage cannot be written.</summary>
    ReadOnly,

    /// <summary>The buffer does not lie in RAM.</summary>
    BadAddress,

    /// <summary>The host failed, or what an author wrote.</summary>
    Failed,
}
