namespace Eider.Devices.Virtio.Console;

/// <summary>The host's end of one port while the port exists, with the pump if it was made of streams.</summary>
internal sealed class ConsoleHost
{
    private readonly EventHandler _changed;

    /// <summary>Takes an end into use.</summary>
    /// <param name="port">What stands behind the port.</param>
    /// <param name="bufferBytes">Bytes held for each direction, for streams.</param>
    /// <param name="failed">Told of a stream that failed.</param>
    /// <param name="changed">Told when there is something to do.</param>
    public ConsoleHost(ConsolePort port, int bufferBytes, Action<Exception> failed, Action changed)
    {
        _changed = (_, _) => changed();
        if (port.Backend is not null)
        {
            Backend = port.Backend;
            Backend.Changed += _changed;
            return;
        }

        var endpoint = new ConsoleEndpoint(bufferBytes);
        Backend = endpoint;
        Pump = new ConsoleStreamPump(endpoint, failed);
        endpoint.Changed += _changed;
        Pump.Start(port.In, port.Out);
    }

    /// <summary>The end.</summary>
    public ConsoleBackend Backend { get; }

    /// <summary>The pump; null for an end of the caller's own.</summary>
    public ConsoleStreamPump? Pump { get; }

    /// <summary>Lets go of the end; what the guest wrote still goes out.</summary>
    /// <returns>Done when it has.</returns>
    public Task Release()
    {
        Backend.Changed -= _changed;
        return Pump?.Stop() ?? Task.CompletedTask;
    }
}
