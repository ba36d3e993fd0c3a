using Eider.Hardware.Lifecycle;
using Eider.Hardware.Memory;
using Eider.Hardware.Time;

namespace Eider.Devices.BlockIo;

/// <summary>What a machine gives to a BIO.</summary>
public sealed record BioServices
{
    /// <summary>The guest's RAM: DMA reaches nothing else.</summary>
    public required GuestMemory Memory { get; init; }

    /// <summary>Runs the BIO's worker.</summary>
    public required IExecutor Executor { get; init; }

    /// <summary>The host's clock, for measuring.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Where traces go; null if nowhere.</summary>
    public ITraceSink? Trace { get; init; }

    /// <summary>Which traces are on.</summary>
    public TraceCategory TraceCategories { get; init; }
}
