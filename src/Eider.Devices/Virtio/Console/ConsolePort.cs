using System.Text;

namespace Eider.Devices.Virtio.Console;

/// <summary>What stands behind one port: two streams, or a host end of the caller's own.</summary>
public sealed record ConsolePort
{
    /// <summary>A port over two streams.</summary>
    /// <param name="name">Its name in the guest (<c>/dev/virtio-ports/NAME</c>); null for none.</param>
    /// <param name="input">What the guest reads; null for nothing.</param>
    /// <param name="output">Where the guest's output goes; null throws it away.</param>
    public ConsolePort(string? name, Stream? input, Stream? output)
    {
        Name = name;
        In = input;
        Out = output;
    }

    /// <summary>A port over a host end.</summary>
    /// <param name="name">Its name in the guest (<c>/dev/virtio-ports/NAME</c>); null for none.</param>
    /// <param name="backend">The host's end; stays the caller's to close.</param>
    public ConsolePort(string? name, ConsoleBackend backend)
    {
        ArgumentNullException.ThrowIfNull(backend);
        Name = name;
        Backend = backend;
    }

    /// <summary>Its name in the guest; null for none. At most <see cref="ConsoleLimits.MaxNameBytes"/> of UTF-8.</summary>
    public string? Name { get; init; }

    /// <summary>What the guest reads; not closed by the device.</summary>
    public Stream? In { get; init; }

    /// <summary>Where the guest's output goes; not closed by the device.</summary>
    public Stream? Out { get; init; }

    /// <summary>The host's end instead of two streams.</summary>
    public ConsoleBackend? Backend { get; init; }

    /// <summary>True if the guest should put a terminal on it (hvc0, hvc1, ...); false for a plain port.</summary>
    public bool IsConsole { get; init; }

    /// <summary>A port from a name and two streams, so that a list of ports is a list of tuples.</summary>
    public static implicit operator ConsolePort((string Name, Stream? In, Stream? Out) port) =>
        FromValueTuple(port);

    /// <summary>A port from a name and a host end.</summary>
    public static implicit operator ConsolePort((string Name, ConsoleBackend Backend) port) =>
        FromValueTuple(port);

    /// <summary>A port from a name and two streams.</summary>
    public static ConsolePort FromValueTuple((string Name, Stream? In, Stream? Out) port) =>
        new(port.Name, port.In, port.Out);

    /// <summary>A port from a name and a host end.</summary>
    public static ConsolePort FromValueTuple((string Name, ConsoleBackend Backend) port) =>
        new(port.Name, port.Backend);

    /// <summary>Refuses what no guest could use.</summary>
    /// <exception cref="ArgumentException">The name is empty, too long or has a character that a path cannot have.</exception>
    internal void Validate()
    {
        if (Backend is not null && (In is not null || Out is not null))
        {
            throw new ArgumentException($"console port '{Name}' has both streams and a host end; give one of them");
        }

        if (Name is null)
        {
            return;
        }

        var length = Encoding.UTF8.GetByteCount(Name);
        if (length is 0 or > ConsoleLimits.MaxNameBytes || Name.AsSpan().ContainsAny('/', '\0', '\n'))
        {
            throw new ArgumentException(
                $"console port name '{Name}' has {length} bytes; expected 1 to {ConsoleLimits.MaxNameBytes}, " +
                "without '/', NUL and line ends");
        }
    }
}
