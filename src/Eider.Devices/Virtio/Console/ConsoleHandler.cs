using Eider.Devices.Virtio.Queue;

namespace Eider.Devices.Virtio.Console;

/// <summary>A virtio console device (virtio 1.3, 5.3). Made by <see cref="ConsoleDevice"/>.</summary>
public sealed class ConsoleHandler : VirtioDevice
{
    private const int ControlReceiveQueue = 2;
    private const int ControlTransmitQueue = 3;

    private readonly Lock _gate = new();
    private readonly ConsoleControl _control;
    private readonly ConsoleHost?[] _hosts;
    private readonly ConsoleReceiver?[] _receivers;
    private readonly ConsoleTransmitter?[] _transmitters;
    private readonly List<ConsoleStreamPump> _pumps = [];
    private ConsoleSize _size;
    private bool _isMultiPort;

    internal ConsoleHandler(ConsoleDevice settings)
    {
        Settings = settings;
        _size = settings.Size ?? default;
        _control = new ConsoleControl(settings.PortRoom);
        _hosts = new ConsoleHost?[settings.PortRoom];
        _receivers = new ConsoleReceiver?[settings.PortRoom];
        _transmitters = new ConsoleTransmitter?[settings.PortRoom];
        var hasPorts = settings.PortRoom > 1;
        Features = Mask(settings.Size is not null, ConsoleFeature.Size)
            | Mask(hasPorts, ConsoleFeature.MultiPort)
            | Mask(settings.EmergencyWrite, ConsoleFeature.EmergencyWrite);
        var sizes = new ushort[hasPorts ? 2 * (settings.PortRoom + 1) : 2];
        Array.Fill(sizes, (ushort)ConsoleLimits.QueueSize);
        QueueSizes = sizes;
        _control.Resize(_size.Columns, _size.Rows);
    }

    /// <summary>What it was made from.</summary>
    public ConsoleDevice Settings { get; }

    /// <inheritdoc/>
    public override VirtioDeviceId DeviceId => VirtioDeviceId.Console;

    /// <inheritdoc/>
    public override ulong Features { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<ushort> QueueSizes { get; }

    /// <inheritdoc/>
    public override int ConfigSizeBytes => ConsoleConfig.Size;

    /// <inheritdoc/>
    public override void Attach(VirtioDeviceContext context)
    {
        base.Attach(context);
        TryAdd(0, Settings.GetMainPort());
        for (var i = 0; i < Settings.Ports.Count; i++)
        {
            TryAdd(i + 1, Settings.Ports[i]);
        }
    }

    /// <summary>Adds a port while the machine runs; the guest is told.</summary>
    /// <param name="port">What stands behind it.</param>
    /// <returns>Its number, or -1 if all are taken (<see cref="ConsoleDevice.MaxPorts"/>).</returns>
    /// <exception cref="ArgumentException">The port is impossible.</exception>
    public int AddPort(ConsolePort port)
    {
        ArgumentNullException.ThrowIfNull(port);
        port.Validate();
        for (var id = 1; id < _hosts.Length; id++)
        {
            if (TryAdd(id, port))
            {
                WakeControl();
                return id;
            }
        }

        return -1;
    }

    /// <summary>
    /// Takes a port away while the machine runs; the guest is told. What it wrote before still goes out.
    /// </summary>
    /// <param name="id">The number; port 0 stays.</param>
    /// <returns>False if there is no such port.</returns>
    public bool RemovePort(int id)
    {
        if (id < 1 || id >= _hosts.Length || !_control.TryRemove(id))
        {
            return false;
        }

        _ = Interlocked.Exchange(ref _hosts[id], null)?.Release();
        WakeControl();
        WakePort(id);
        return true;
    }

    /// <summary>Tells the guest that the terminal has another size.</summary>
    public void Resize(ConsoleSize size)
    {
        _control.Resize(size.Columns, size.Rows);
        Context.ConfigChanged(() =>
        {
            lock (_gate)
            {
                _size = size;
            }
        });
        WakeControl();
    }

    /// <summary>
    /// Ends the pumps of all ports made of streams, and waits until the streams have what the guest wrote.
    /// </summary>
    /// <param name="patience">When to give up on a stream that does not take it.</param>
    /// <returns>False if something was left.</returns>
    public async Task<bool> StopAsync(CancellationToken patience = default)
    {
        ConsoleStreamPump[] pumps;
        lock (_gate)
        {
            pumps = [.. _pumps];
        }

        var isAllOut = true;
        foreach (var pump in pumps)
        {
            isAllOut &= await pump.StopAsync(patience).ConfigureAwait(false);
        }

        return isAllOut;
    }

    /// <inheritdoc/>
    public override void Ready(ulong negotiatedFeatures) =>
        Volatile.Write(ref _isMultiPort, (negotiatedFeatures & Mask(true, ConsoleFeature.MultiPort)) != 0);

    /// <inheritdoc/>
    public override void QueueReady(int index, VirtQueue queue)
    {
        if (IsControl(index))
        {
            return;
        }

        if (IsReceive(index))
        {
            _receivers[PortOf(index)] = new ConsoleReceiver(queue, Context);
        }
        else
        {
            _transmitters[PortOf(index)] = new ConsoleTransmitter(queue, Context);
        }
    }

    /// <inheritdoc/>
    public override void ProcessQueue(int index, VirtQueue queue)
    {
        if (index == ControlReceiveQueue)
        {
            SendControl(queue);
        }
        else if (index == ControlTransmitQueue)
        {
            ReceiveControl(queue);
        }
        else if (IsReceive(index))
        {
            var id = PortOf(index);
            var maySend = !Volatile.Read(ref _isMultiPort) || _control.IsGuestOpen(id);
            _receivers[id]?.Process(maySend ? Volatile.Read(ref _hosts[id])?.Backend : null);
        }
        else
        {
            var id = PortOf(index);
            _transmitters[id]?.Process(Volatile.Read(ref _hosts[id])?.Backend);
        }
    }

    /// <inheritdoc/>
    public override void QueueStopping(int index, VirtQueue queue)
    {
        if (IsControl(index))
        {
            return;
        }

        // What they hold is dead; bytes of the host that were not put into a buffer are still at the host's end.
        if (IsReceive(index))
        {
            _receivers[PortOf(index)] = null;
        }
        else
        {
            _transmitters[PortOf(index)] = null;
        }
    }

    /// <inheritdoc/>
    public override bool ReadConfig(int offset, Span<byte> data)
    {
        ConsoleSize size;
        lock (_gate)
        {
            size = _size;
        }

        Span<byte> config = stackalloc byte[ConsoleConfig.Size];
        ConsoleConfig.Write(config, size, _hosts.Length > 1 ? (uint)_hosts.Length : 0);
        config.Slice(offset, data.Length).CopyTo(data);
        return true;
    }

    /// <inheritdoc/>
    public override bool WriteConfig(int offset, ReadOnlySpan<byte> data)
    {
        if (offset != ConsoleConfig.EmergencyWriteOffset || !Settings.EmergencyWrite)
        {
            return false;
        }

        // Virtio 1.3, 5.3.5.1: the low byte, whatever the state of the device. Nothing here can wait.
        var isOut = Volatile.Read(ref _hosts[0])?.Backend.Write(data[..1]) == 1;
        Context.Statistics.Count(0, isOut ? 1 : 0, 0, failed: !isOut);
        return true;
    }

    /// <inheritdoc/>
    public override void Reset()
    {
        Volatile.Write(ref _isMultiPort, false);
        _control.Reset();
    }

    /// <inheritdoc/>
    public override void Close()
    {
        for (var id = 0; id < _hosts.Length; id++)
        {
            _ = Interlocked.Exchange(ref _hosts[id], null)?.Release();
        }
    }

    private static ulong Mask(bool isOffered, ConsoleFeature feature) => isOffered ? 1UL << (int)feature : 0;

    private static bool IsControl(int index) => index is ControlReceiveQueue or ControlTransmitQueue;

    private static bool IsReceive(int index) => index % 2 == 0;

    // Virtio 1.3, 5.3.2: port 0 has queues 0 and 1, the control pair comes next, then port 1.
    private static int PortOf(int index) => index < ControlReceiveQueue ? 0 : (index / 2) - 1;

    private static int ReceiveQueueOf(int id) => id == 0 ? 0 : (2 * id) + 2;

    private bool TryAdd(int id, ConsolePort port)
    {
        lock (_gate)
        {
            if (_control.Exists(id))
            {
                return false;
            }

            var host = new ConsoleHost(port, Settings.BufferBytes, ReportFailure, () => OnHostChanged(id));
            _pumps.RemoveAll(static pump => pump.IsStopped);
            if (host.Pump is not null)
            {
                _pumps.Add(host.Pump);
            }

            Volatile.Write(ref _hosts[id], host);
            _control.TryAdd(id, port.Name, port.IsConsole, host.Backend.IsOpen);
            // Once more: a change between the look and the adding was heard by nobody.
            _control.SetHostOpen(id, host.Backend.IsOpen);
            return true;
        }
    }

    private void ReportFailure(Exception failure)
    {
        Context.Statistics.Count(0, 0, 0, failed: true);
        Settings.HostFailed?.Invoke(failure);
    }

    private void OnHostChanged(int id)
    {
        if (Volatile.Read(ref _hosts[id]) is not { } host)
        {
            return;
        }

        if (_control.SetHostOpen(id, host.Backend.IsOpen))
        {
            WakeControl();
        }

        WakePort(id);
    }

    private void WakePort(int id)
    {
        Context.Wake(ReceiveQueueOf(id));
        Context.Wake(ReceiveQueueOf(id) + 1);
    }

    private void WakeControl()
    {
        if (_hosts.Length > 1)
        {
            Context.Wake(ControlReceiveQueue);
        }
    }

    private void SendControl(VirtQueue queue)
    {
        Span<byte> bytes = stackalloc byte[ConsoleControl.MaxMessageBytes];
        while (_control.HasMessage && queue.TryTake(out var chain))
        {
            var room = (int)Math.Min((ulong)bytes.Length, chain.WritableBytes);
            var isSaid = _control.TryTakeMessage(bytes[..room], out var length) && chain.TryWriteAt(0, bytes[..length]);
            queue.Complete(chain, isSaid ? (uint)length : 0);
        }
    }

    private void ReceiveControl(VirtQueue queue)
    {
        Span<byte> bytes = stackalloc byte[ConsoleControlMessage.Size];
        while (queue.TryTake(out var chain))
        {
            var isGood = false;
            if (chain.TryReadAt(0, bytes))
            {
                var message = ConsoleControlMessage.Read(bytes);
                isGood = _control.TryAccept(message);
                if (isGood && message.Port < (uint)_hosts.Length)
                {
                    WakePort((int)message.Port);
                }
            }

            if (!isGood)
            {
                Context.Statistics.Count(0, 0, 0, failed: true);
            }

            queue.Complete(chain, 0);
            WakeControl();
        }
    }
}
