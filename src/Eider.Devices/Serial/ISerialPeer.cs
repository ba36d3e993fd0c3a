using Eider.Hardware.Lifecycle;

namespace Eider.Devices.Serial;

/// <summary>
/// The host's end of a serial line. The device asks: it offers characters and takes some, and looks again when
/// told that something changed. So a host that does not read stalls the guest's transmitter and nothing else,
/// and input waits at the host until the guest has room. Its methods neither block nor throw.
/// </summary>
public interface ISerialPeer : IConsoleSink
{
    /// <summary>
    /// Set by the device; the host calls it, from any thread, when there is input, or again room for output
    /// after <see cref="IConsoleSink.Write"/> took less than it was given.
    /// </summary>
    Action? Changed { get; set; }
}
