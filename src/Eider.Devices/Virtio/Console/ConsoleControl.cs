using System.Buffers.Binary;
using System.Text;

namespace Eider.Devices.Virtio.Console;

/// <summary>
/// The state machine behind the control queues (virtio 1.3, 5.3.6.2): which ports the driver knows, which it has
/// open, and what it must still be told. No queue, no thread; safe to call from any.
/// </summary>
/// <param name="portCount">Most ports (<c>max_nr_ports</c>).</param>
internal sealed class ConsoleControl(int portCount)
{
    /// <summary>Room that any message fits into.</summary>
    public const int MaxMessageBytes = ConsoleControlMessage.Size + ConsoleLimits.MaxNameBytes;

    private const int ResizeBytes = 4;

    private readonly Lock _gate = new();
    private readonly Port[] _ports = new Port[portCount];
    private bool _isDriverReady;
    private ushort _columns;
    private ushort _rows;

    /// <summary>Forgets the driver; the ports stay.</summary>
    public void Reset()
    {
        lock (_gate)
        {
            _isDriverReady = false;
            for (var i = 0; i < _ports.Length; i++)
            {
                _ports[i] = _ports[i] with
                {
                    IsAnnounced = false,
                    IsReady = false,
                    IsGuestOpen = false,
                    Signals = ConsolePortSignals.None,
                };
            }
        }
    }

    /// <summary>Makes a port exist; the driver is told once it is ready.</summary>
    /// <returns>False if the number is taken or too high.</returns>
    public bool TryAdd(int id, string? name, bool isConsole, bool isHostOpen)
    {
        lock (_gate)
        {
            if (id < 0 || id >= _ports.Length || _ports[id].Exists)
            {
                return false;
            }

            ref var port = ref _ports[id];
            port.Exists = true;
            port.Name = name is null ? null : Encoding.UTF8.GetBytes(name);
            port.IsConsole = isConsole;
            port.IsHostOpen = isHostOpen;
            if (_isDriverReady)
            {
                port.Signals |= ConsolePortSignals.Add;
            }

            return true;
        }
    }

    /// <summary>Takes a port away; the driver is told if it knew it.</summary>
    /// <returns>False if there is none.</returns>
    public bool TryRemove(int id)
    {
        lock (_gate)
        {
            if (id < 0 || id >= _ports.Length || !_ports[id].Exists)
            {
                return false;
            }

            ref var port = ref _ports[id];
            var owed = port.IsAnnounced ? ConsolePortSignals.Remove : ConsolePortSignals.None;
            port = new Port { IsAnnounced = port.IsAnnounced, Signals = owed };
            return true;
        }
    }

    /// <summary>The host opened or closed its end.</summary>
    /// <returns>True if the driver must be told.</returns>
    public bool SetHostOpen(int id, bool isOpen)
    {
        lock (_gate)
        {
            ref var port = ref _ports[id];
            if (!port.Exists || port.IsHostOpen == isOpen)
            {
                return false;
            }

            port.IsHostOpen = isOpen;
            if (!port.IsReady)
            {
                return false;
            }

            // Closed and opened again before the driver heard of it: it hears both, in this order.
            port.Signals = isOpen
                ? port.Signals | ConsolePortSignals.Open
                : (port.Signals & ~ConsolePortSignals.Open) | ConsolePortSignals.Close;
            return true;
        }
    }

    /// <summary>The terminal has another size.</summary>
    public void Resize(ushort columns, ushort rows)
    {
        lock (_gate)
        {
            _columns = columns;
            _rows = rows;
            for (var i = 0; i < _ports.Length; i++)
            {
                if (_ports[i].IsReady && _ports[i].IsConsole)
                {
                    _ports[i].Signals |= ConsolePortSignals.Resize;
                }
            }
        }
    }

    /// <summary>True if bytes may go to the driver through a port: it knows it and has it open.</summary>
    public bool IsGuestOpen(int id)
    {
        lock (_gate)
        {
            ref var port = ref _ports[id];
            return port.IsGuestOpen && IsKnown(port);
        }
    }

    /// <summary>True if there is such a port.</summary>
    public bool Exists(int id)
    {
        lock (_gate)
        {
            return _ports[id].Exists;
        }
    }

    /// <summary>Takes a message of the driver.</summary>
    /// <returns>False if it makes no sense: unknown event, or a port that the driver does not have.</returns>
    public bool TryAccept(ConsoleControlMessage message)
    {
        lock (_gate)
        {
            if (message.Event == ConsoleControlEvent.DeviceReady)
            {
                AcceptDeviceReady(message.Value);
                return true;
            }

            if (message.Port >= (uint)_ports.Length || !IsKnown(_ports[message.Port]))
            {
                return false;
            }

            ref var port = ref _ports[message.Port];
            switch (message.Event)
            {
                case ConsoleControlEvent.PortReady:
                    AcceptPortReady(ref port, message.Value);
                    return true;
                case ConsoleControlEvent.PortOpen:
                    port.IsGuestOpen = message.Value != 0;
                    return true;
                default:
                    return false;
            }
        }
    }

    /// <summary>True if a message waits to go out.</summary>
    public bool HasMessage
    {
        get
        {
            lock (_gate)
            {
                return FindSpeaker() >= 0;
            }
        }
    }

    /// <summary>Takes the next message for the driver; what it says counts as said.</summary>
    /// <param name="bytes">Room for it; <see cref="MaxMessageBytes"/> are always enough.</param>
    /// <param name="length">Length of the message.</param>
    /// <returns>False if there is none, or if the next one does not fit: it stays the next one.</returns>
    public bool TryTakeMessage(Span<byte> bytes, out int length)
    {
        lock (_gate)
        {
            length = 0;
            var id = FindSpeaker();
            if (id < 0)
            {
                return false;
            }

            ref var port = ref _ports[id];
            var signal = (ConsolePortSignals)((int)port.Signals & -(int)port.Signals);
            if (bytes.Length < GetLength(port, signal))
            {
                return false;
            }

            port.Signals &= ~signal;
            length = Compose(ref port, (uint)id, signal, bytes);
            return true;
        }
    }

    // The driver knows it, and does not know it only as a port of that number that is gone.
    private static bool IsKnown(in Port port) =>
        port.Exists && port.IsAnnounced && (port.Signals & ConsolePortSignals.Remove) == 0;

    private void AcceptDeviceReady(ushort value)
    {
        _isDriverReady = value != 0;
        for (var i = 0; _isDriverReady && i < _ports.Length; i++)
        {
            // A port that the driver knows is not announced again (5.3.6.2.1).
            if (_ports[i].Exists && !_ports[i].IsAnnounced)
            {
                _ports[i].Signals |= ConsolePortSignals.Add;
            }
        }
    }

    private void AcceptPortReady(ref Port port, ushort value)
    {
        port.IsReady = value != 0;
        if (!port.IsReady)
        {
            port.IsGuestOpen = false;
            return;
        }

        port.Signals |= port.IsConsole ? ConsolePortSignals.Console : ConsolePortSignals.None;
        port.Signals |= port.Name is not null ? ConsolePortSignals.Name : ConsolePortSignals.None;
        port.Signals |= port.IsHostOpen ? ConsolePortSignals.Open : ConsolePortSignals.None;
        port.Signals |= port.IsConsole && _columns != 0 ? ConsolePortSignals.Resize : ConsolePortSignals.None;
    }

    private int FindSpeaker()
    {
        for (var i = 0; _isDriverReady && i < _ports.Length; i++)
        {
            if (_ports[i].Signals != ConsolePortSignals.None)
            {
                return i;
            }
        }

        return -1;
    }

    private static int GetLength(in Port port, ConsolePortSignals signal) => ConsoleControlMessage.Size + signal switch
    {
        ConsolePortSignals.Name => port.Name!.Length,
        ConsolePortSignals.Resize => ResizeBytes,
        _ => 0,
    };

    private int Compose(ref Port port, uint id, ConsolePortSignals signal, Span<byte> bytes)
    {
        switch (signal)
        {
            case ConsolePortSignals.Remove:
                port.IsAnnounced = false;
                // The number was taken again while the driver did not know yet.
                port.Signals |= port.Exists ? ConsolePortSignals.Add : ConsolePortSignals.None;
                return WriteMessage(bytes, id, ConsoleControlEvent.DeviceRemove, 0);
            case ConsolePortSignals.Add:
                port.IsAnnounced = true;
                return WriteMessage(bytes, id, ConsoleControlEvent.DeviceAdd, 0);
            case ConsolePortSignals.Console:
                return WriteMessage(bytes, id, ConsoleControlEvent.ConsolePort, 1);
            case ConsolePortSignals.Name:
                port.Name.CopyTo(bytes[ConsoleControlMessage.Size..]);
                return WriteMessage(bytes, id, ConsoleControlEvent.PortName, 1) + port.Name!.Length;
            case ConsolePortSignals.Close:
                return WriteMessage(bytes, id, ConsoleControlEvent.PortOpen, 0);
            case ConsolePortSignals.Open:
                return WriteMessage(bytes, id, ConsoleControlEvent.PortOpen, 1);
            default:
                BinaryPrimitives.WriteUInt16LittleEndian(bytes[ConsoleControlMessage.Size..], _columns);
                BinaryPrimitives.WriteUInt16LittleEndian(bytes[(ConsoleControlMessage.Size + 2)..], _rows);
                return WriteMessage(bytes, id, ConsoleControlEvent.Resize, 0) + ResizeBytes;
        }
    }

    private static int WriteMessage(Span<byte> bytes, uint id, ConsoleControlEvent controlEvent, ushort value)
    {
        new ConsoleControlMessage(id, controlEvent, value).Write(bytes);
        return ConsoleControlMessage.Size;
    }

    private record struct Port
    {
        public bool Exists;
        public bool IsConsole;
        public bool IsHostOpen;
        public byte[]? Name;
        public bool IsAnnounced;
        public bool IsReady;
        public bool IsGuestOpen;
        public ConsolePortSignals Signals;
    }
}
