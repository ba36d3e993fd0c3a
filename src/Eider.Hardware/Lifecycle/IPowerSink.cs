namespace Eider.Hardware.Lifecycle;

/// <summary>Where a guest's wish to power off or to restart goes (SBI SRST, the power device). Callable from any thread.</summary>
public interface IPowerSink
{
    /// <summary>Takes the wish; the first one counts. Returns at once, the machine stops soon after.</summary>
    void Request(PowerRequest request);
}
