namespace Eider.Hardware.Time;

/// <summary>One serial worker; see <see cref="IExecutor.CreateWorker"/>. Disposing waits for a running body to end.</summary>
public interface IWorker : IDisposable
{
    /// <summary>Makes the body run once more, soon. Cheap, never blocks, callable from any thread and from the body.</summary>
    void Signal();
}
