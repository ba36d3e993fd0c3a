using Eider.Hardware.Lifecycle;
using Eider.Hardware.Memory;
using Eider.Hardware.Time;

namespace Eider.Devices.Virtio;

/// <summary>What a machine gives to each of its virtio devices.</summary>
public sealed record VirtioServices
{
    /// <summary>The guest's RAM.</summary>
    public required GuestMemory Memory { get; init; }

    /// <summary>Runs the queue workers.</summary>
    public required IExecutor Executor { get; init; }

    /// <summary>The machine's clock.</summary>
    public required Timebase Timebase { get; init; }

    /// <summary>The machine's randomness.</summary>
    public required IRandomSource Random { get; init; }

    /// <summary>The host's clock, for measuring.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Where traces go; null if nowhere.</summary>
    public ITraceSink? Trace { get; init; }

    /// <summary>Which traces are on.</summary>
    public TraceCategory TraceCategories { get; init; }
}
