using Eider.Hardware.Lifecycle;

namespace Eider.Machines;

/// <summary>What a machine traces, and where to.</summary>
/// <param name="Sink">Takes the events.</param>
/// <param name="Categories">Which of them.</param>
public sealed record MachineTrace(ITraceSink Sink, TraceCategory Categories);
