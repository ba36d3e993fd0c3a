namespace Eider.Hardware.Time;

/// <summary>
/// Where work that is not a hart runs. Threaded for real use; by hand, on one thread, for replay and tests.
/// </summary>
public interface IExecutor
{
    /// <summary>Makes a worker that owns one thing, such as a virtqueue.</summary>
    /// <param name="name">Name of its thread, for debuggers.</param>
    /// <param name="body">
    /// Runs at least once after each <see cref="IWorker.Signal"/>, never twice at the same time; what it throws
    /// is a bug of ours and stops the machine.
    /// </param>
    IWorker CreateWorker(string name, Action body);
}
