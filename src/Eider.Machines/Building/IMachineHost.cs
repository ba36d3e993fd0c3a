using Eider.Hardware.Lifecycle;

namespace Eider.Machines.Building;

/// <summary>What the parts of a machine tell the one that owns them. All members are safe from any thread.</summary>
internal interface IMachineHost : IPowerSink
{
    /// <summary>A bug of ours: the machine stops.</summary>
    void Fault(string where, Exception exception);

    /// <summary>The host failed to do something; the machine goes on.</summary>
    void HostFailed(string message);
}
