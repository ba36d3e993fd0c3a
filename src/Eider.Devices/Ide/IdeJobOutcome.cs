namespace Eider.Devices.Ide;

/// <summary>How a job ended.</summary>
internal enum IdeJobOutcome
{
    /// <summary>Well. A bus master job may have moved less: its table ended.</summary>
    Done,

    /// <summary>The storage has no such place (any more).</summary>
    OutOfRange,

    /// <summary>The storage cannot be written.</summary>
    ReadOnly,

    /// <summary>The storage has no such operation.</summary>
    Unsupported,

    /// <summary>The host failed at this place.</summary>
    Failed,

    /// <summary>The host failed for good: closed, or an earlier flush was lost.</summary>
    Dead,

    /// <summary>The bus master's table or a region of it is not memory.</summary>
    BadTable,
}
