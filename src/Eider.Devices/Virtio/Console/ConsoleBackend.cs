using Eider.Hardware.Lifecycle;

namespace Eider.Devices.Virtio.Console;

/// <summary>
/// The host's end of one port, as a device sees it: bytes out, bytes in, nothing blocks. Safe to call from any
/// thread; one device uses it at a time.
/// </summary>
public abstract class ConsoleBackend : IConsoleSink
{
    /// <summary>
    /// Raised, on any thread, when there may be more to read, when there is room again after a short write, when
    /// the input ended, and when the host opened or closed its end. Must not be raised with a lock held.
    /// </summary>
    public event EventHandler? Changed;

    /// <summary>False once the host closed its end for both directions.</summary>
    public abstract bool IsOpen { get; }

    /// <summary>True once all input was read and no more will come.</summary>
    public abstract bool IsInputEnded { get; }

    /// <summary>Takes bytes from the guest.</summary>
    /// <returns>How many were taken; fewer than given when the host does not keep up.</returns>
    public abstract int Write(ReadOnlySpan<byte> bytes);

    /// <summary>Gives bytes to the guest.</summary>
    /// <returns>How many were there; 0 if none now.</returns>
    public abstract int Read(Span<byte> bytes);

    /// <summary>Raises <see cref="Changed"/>.</summary>
    protected void OnChanged() => Changed?.Invoke(this, EventArgs.Empty);
}
