using Eider.Hardware.Lifecycle;
using Eider.Hardware.Memory;
using Eider.Hardware.Time;

namespace Eider.Devices.Virtio;

/// <summary>What a <see cref="VirtioDevice"/> stands on: its transport, seen from the device. Safe from any thread.</summary>
/// <param name="services">The machine's services.</param>
/// <param name="statistics">What is counted.</param>
public abstract class VirtioDeviceContext(VirtioServices services, DeviceStatistics statistics)
{
    /// <summary>The name of the device in traces, messages and statistics, such as <c>vda</c>.</summary>
    public string Name => Statistics.Name;

    /// <summary>The guest's RAM as this device sees it; translated once ACCESS_PLATFORM is negotiated.</summary>
    public virtual GuestMemory Memory => services.Memory;

    /// <summary>Makes further workers.</summary>
    public IExecutor Executor => services.Executor;

    /// <summary>The machine's clock.</summary>
    public Timebase Timebase => services.Timebase;

    /// <summary>The host's clock, for measuring.</summary>
    public TimeProvider Clock => services.Clock;

    /// <summary>The machine's randomness.</summary>
    public IRandomSource Random => services.Random;

    /// <summary>Requests, bytes, time and failures.</summary>
    public DeviceStatistics Statistics { get; } = statistics;

    /// <summary>Where traces of the asked category go; null when it is off.</summary>
    public ITraceSink? Trace(TraceCategory category) => (services.TraceCategories & category) != 0 ? services.Trace : null;

    /// <summary>All bits that both sides agreed on; 0 before.</summary>
    public abstract ulong NegotiatedFeatures { get; }

    /// <summary>Runs the worker of a queue once more: <see cref="VirtioDevice.ProcessQueue"/> follows if the queue is ready.</summary>
    public abstract void Wake(int queueIndex);

    /// <summary>
    /// Changes the configuration space: runs <paramref name="change"/>, moves the configuration generation so that
    /// a driver that reads meanwhile starts over, and sends a configuration change notification once the driver
    /// is up (section 2.5.2 and 4.2.2.1).
    /// </summary>
    /// <param name="change">Stores the new values; null if they are stored already and none is wider than 4 bytes.</param>
    public abstract void ConfigChanged(Action? change = null);

    /// <summary>
    /// Gives up until the driver resets the device: sets DEVICE_NEEDS_RESET, stops the queues and sends a
    /// configuration change notification (section 2.1.2).
    /// </summary>
    /// <param name="reason">A constant text for the trace.</param>
    public abstract void NeedsReset(string reason);
}
