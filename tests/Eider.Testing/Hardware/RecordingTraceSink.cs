using Eider.Hardware.Lifecycle;

namespace Eider.Testing.Hardware;

/// <summary>A trace that is kept in memory.</summary>
public sealed class RecordingTraceSink : ITraceSink
{
    private readonly Lock _gate = new();
    private readonly List<TraceEvent> _events = [];

    /// <summary>What was traced so far, in order.</summary>
    public IReadOnlyList<TraceEvent> Events
    {
        get
        {
            lock (_gate)
            {
                return [.. _events];
            }
        }
    }

    /// <inheritdoc/>
    public void Emit(in TraceEvent traceEvent)
    {
        lock (_gate)
        {
            _events.Add(traceEvent);
        }
    }
}
