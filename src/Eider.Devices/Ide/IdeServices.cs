using Eider.Hardware.Lifecycle;
using Eider.Hardware.Memory;
using Eider.Hardware.Time;

namespace Eider.Devices.Ide;

/// <summary>What a machine gives to its IDE channels.</summary>
public sealed record IdeServices
{
    /// <summary>The guest's RAM, as the bus master reaches it; a channel without one moves data by PIO only.</summary>
    public required GuestMemory Memory { get; init; }

    /// <summary>Runs the channels' workers.</summary>
    public required IExecutor Executor { get; init; }

    /// <summary>The host's clock, for measuring.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Where traces go; null if nowhere.</summary>
    public ITraceSink? Trace { get; init; }

    /// <summary>Which traces are on.</summary>
    public TraceCategory TraceCategories { get; init; }
}
