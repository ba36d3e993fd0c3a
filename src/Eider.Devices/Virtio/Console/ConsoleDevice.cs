namespace Eider.Devices.Virtio.Console;

/// <summary>
/// Configures a virtio console: <c>new ConsoleDevice { In = input, Out = output }.Build()</c>. Port 0 is the
/// terminal (<c>hvc0</c> in Linux); <see cref="Ports"/> adds further ones, which the guest finds by name.
/// </summary>
public sealed record ConsoleDevice : IVirtioDeviceConfig
{
    /// <summary>What the guest reads; null for nothing. Not closed by the device.</summary>
    public Stream? In { get; init; }

    /// <summary>Where the guest's output goes; null throws it away. Not closed by the device.</summary>
    public Stream? Out { get; init; }

    /// <summary>The host's end instead of two streams; stays the caller's.</summary>
    public ConsoleBackend? Backend { get; init; }

    /// <summary>
    /// Further ports, 1 and up, such as <c>[("stdout", null, output), ("stderr", null, errors)]</c>. With any the
    /// device offers MULTIPORT.
    /// </summary>
    public IReadOnlyList<ConsolePort> Ports { get; init; } = [];

    /// <summary>Most ports ever, for those added later; 0 means no more than there are.</summary>
    public int MaxPorts { get; init; }

    /// <summary>Size of the terminal; null if it is not known, and SIZE is not offered then.</summary>
    public ConsoleSize? Size { get; init; }

    /// <summary>Offers EMERG_WRITE: a guest that cannot use queues can still say something.</summary>
    public bool EmergencyWrite { get; init; } = true;

    /// <summary>Bytes held for each direction of each port made of streams.</summary>
    public int BufferBytes { get; init; } = ConsoleLimits.BufferBytes;

    /// <summary>Told, on any thread, of a stream of the host that failed; that direction of the port ended.</summary>
    public Action<Exception>? HostFailed { get; init; }

    /// <summary>Ports that there are at the start.</summary>
    internal int PortCount => Ports.Count + 1;

    /// <summary>Ports that there is room for.</summary>
    internal int PortRoom => Math.Max(MaxPorts, PortCount);

    /// <summary>Checks the configuration and makes the device.</summary>
    /// <exception cref="ArgumentException">A setting is impossible; the message says which, found and expected.</exception>
    public ConsoleHandler Build()
    {
        ArgumentNullException.ThrowIfNull(Ports);
        if (MaxPorts < 0 || PortRoom > ConsoleLimits.MaxPorts)
        {
            throw new ArgumentException($"console with {PortRoom} ports; expected 1 to {ConsoleLimits.MaxPorts}");
        }

        if (BufferBytes < 1)
        {
            throw new ArgumentException($"console buffer of {BufferBytes} bytes; expected 1 or more");
        }

        GetMainPort().Validate();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var port in Ports)
        {
            port.Validate();
            if (port.Name is not null && !names.Add(port.Name))
            {
                throw new ArgumentException($"console port '{port.Name}' exists twice; names are unique");
            }
        }

        return new ConsoleHandler(this);
    }

    /// <inheritdoc/>
    VirtioDevice IVirtioDeviceConfig.Build() => Build();

    /// <summary>Port 0.</summary>
    internal ConsolePort GetMainPort() => new(null, In, Out) { Backend = Backend, IsConsole = true };
}
