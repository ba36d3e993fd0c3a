namespace Eider.Hardware.Lifecycle;

/// <summary>Where traces go. Whoever traces holds a nullable sink: null costs one test and nothing else.</summary>
public interface ITraceSink
{
    /// <summary>Takes one event; called from any thread, must not block for long or throw.</summary>
    void Emit(in TraceEvent traceEvent);
}
