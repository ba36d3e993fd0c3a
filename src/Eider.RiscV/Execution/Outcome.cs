namespace Eider.RiscV.Execution;

/// <summary>How a slow path ended; guest traps are values here, never exceptions.</summary>
internal enum Outcome
{
    /// <summary>The instruction is done.</summary>
    Done = 0,

    /// <summary>The instruction traps: cause and value stand in the hart's state.</summary>
    Trap,

    /// <summary>The instruction is done and the hart gives its turn away.</summary>
    Yield,

    /// <summary>The instruction is not done: a device answers later.</summary>
    Pending,

    /// <summary>An environment call was served; done, though not retired.</summary>
    Served,

    /// <summary>As <see cref="Served"/>, and the hart gives its turn away.</summary>
    ServedYield,
}
