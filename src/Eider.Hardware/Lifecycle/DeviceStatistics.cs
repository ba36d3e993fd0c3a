namespace Eider.Hardware.Lifecycle;

/// <summary>What one device did so far: requests, bytes, time and failures. Safe to count from any thread.</summary>
/// <param name="name">The device, such as <c>vda</c>.</param>
public sealed class DeviceStatistics(string name)
{
    private long _requests;
    private long _readBytes;
    private long _writtenBytes;
    private long _busyNanoseconds;
    private long _failures;

    /// <summary>The device.</summary>
    public string Name { get; } = name;

    /// <summary>Requests completed, failed ones too.</summary>
    public long Requests => Volatile.Read(ref _requests);

    /// <summary>Bytes from the device to the guest.</summary>
    public long ReadBytes => Volatile.Read(ref _readBytes);

    /// <summary>Bytes from the guest to the device.</summary>
    public long WrittenBytes => Volatile.Read(ref _writtenBytes);

    /// <summary>Sum of the times from taking a request to completing it.</summary>
    public long BusyNanoseconds => Volatile.Read(ref _busyNanoseconds);

    /// <summary>Requests answered with an error.</summary>
    public long Failures => Volatile.Read(ref _failures);

    /// <summary>Counts one completed request.</summary>
    /// <param name="readBytes">Bytes that went to the guest.</param>
    /// <param name="writtenBytes">Bytes that came from it.</param>
    /// <param name="busyNanoseconds">From the request's arrival to its completion.</param>
    /// <param name="failed">True if it was answered with an error.</param>
    public void Count(long readBytes, long writtenBytes, long busyNanoseconds, bool failed)
    {
        Interlocked.Increment(ref _requests);
        Interlocked.Add(ref _readBytes, readBytes);
        Interlocked.Add(ref _writtenBytes, writtenBytes);
        Interlocked.Add(ref _busyNanoseconds, busyNanoseconds);
        if (failed)
        {
            Interlocked.Increment(ref _failures);
        }
    }
}
