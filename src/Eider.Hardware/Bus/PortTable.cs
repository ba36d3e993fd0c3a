using System.Buffers.Binary;
using Eider.Hardware.Resources;

namespace Eider.Hardware.Bus;

/// <summary>
/// Ports with a handler for each width, as devices of the ISA bus have them: a data port that takes words and
/// long words among registers that take bytes. Fill it, then register it on the bus with
/// <see cref="IDeviceIo.TrappedIoResources"/>.
/// </summary>
/// <remarks>
/// A width that no handler takes at a port is composed of two halves, low one first, down to bytes. A byte that
/// no handler takes reads 0xFF, and a write to it is dropped. Handlers are called from any hart: the owner locks.
/// </remarks>
public sealed class PortTable : IDeviceIo
{
    private const int PortCount = 0x10000;

    private readonly Lock _gate = new();
    private readonly Slot?[]?[] _pages = new Slot?[]?[256];

    /// <inheritdoc/>
    public DeviceResources AssignedResources
    {
        get
        {
            var resources = new DeviceResources();
            for (var port = 0; port < PortCount; port++)
            {
                var start = port;
                // A size is 16 bits wide, so the whole space takes two ranges.
                while (port < PortCount && port - start < ushort.MaxValue && Find(port) is not null)
                {
                    port++;
                }

                if (port > start)
                {
                    resources.Append(new Resource.PioAddressRange((ushort)start, (ushort)(port - start)));
                    port--;
                }
            }

            return resources;
        }
    }

    /// <summary>Claims reads of one width in a range: at its start and every <paramref name="sizeBytes"/> after it.</summary>
    /// <param name="start">First port.</param>
    /// <param name="lengthPorts">Number of ports, a multiple of the width.</param>
    /// <param name="sizeBytes">Width: 1, 2 or 4.</param>
    /// <param name="owner">The device. All handlers at a port, whatever width and direction, have one owner.</param>
    /// <param name="handler">Answers; replaces what the same owner had there.</param>
    /// <exception cref="ArgumentOutOfRangeException">A bad width, or a range that is none; nothing is claimed.</exception>
    /// <exception cref="BusOverlapException">Another owner has one of the ports; nothing is claimed.</exception>
    public void RegisterRead(PioAddress start, int lengthPorts, int sizeBytes, object owner, PortReadHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        Claim(start, lengthPorts, sizeBytes, owner, slot => slot.Reads[WidthIndex(sizeBytes)] = handler);
    }

    /// <summary>Claims writes of one width in a range, as <see cref="RegisterRead"/> does for reads.</summary>
    /// <param name="start">First port.</param>
    /// <param name="lengthPorts">Number of ports, a multiple of the width.</param>
    /// <param name="sizeBytes">Width: 1, 2 or 4.</param>
    /// <param name="owner">The device. All handlers at a port, whatever width and direction, have one owner.</param>
    /// <param name="handler">Takes the value; replaces what the same owner had there.</param>
    /// <exception cref="ArgumentOutOfRangeException">A bad width, or a range that is none; nothing is claimed.</exception>
    /// <exception cref="BusOverlapException">Another owner has one of the ports; nothing is claimed.</exception>
    public void RegisterWrite(PioAddress start, int lengthPorts, int sizeBytes, object owner, PortWriteHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        Claim(start, lengthPorts, sizeBytes, owner, slot => slot.Writes[WidthIndex(sizeBytes)] = handler);
    }

    /// <inheritdoc/>
    public BusResult PioRead(PioAddress rangeBase, PioAddress offset, Span<byte> data)
    {
        var port = rangeBase.Value + offset.Value;
        switch (data.Length)
        {
            case 1:
                data[0] = (byte)Read(port, 1);
                return BusStatus.Ok;
            case 2:
                BinaryPrimitives.WriteUInt16LittleEndian(data, (ushort)Read(port, 2));
                return BusStatus.Ok;
            case 4:
                BinaryPrimitives.WriteUInt32LittleEndian(data, Read(port, 4));
                return BusStatus.Ok;
            default:
                return BusStatus.InvalidSize;
        }
    }

    /// <inheritdoc/>
    public BusResult PioWrite(PioAddress rangeBase, PioAddress offset, ReadOnlySpan<byte> data)
    {
        var port = rangeBase.Value + offset.Value;
        switch (data.Length)
        {
            case 1:
                Write(port, 1, data[0]);
                return BusStatus.Ok;
            case 2:
                Write(port, 2, BinaryPrimitives.ReadUInt16LittleEndian(data));
                return BusStatus.Ok;
            case 4:
                Write(port, 4, BinaryPrimitives.ReadUInt32LittleEndian(data));
                return BusStatus.Ok;
            default:
                return BusStatus.InvalidSize;
        }
    }

    private static int WidthIndex(int sizeBytes) => sizeBytes >> 1; // 1, 2, 4 to 0, 1, 2

    private static uint Mask(int sizeBytes) => uint.MaxValue >> (32 - (8 * sizeBytes));

    private Slot? Find(int port) => port < PortCount ? Volatile.Read(ref _pages[port >> 8])?[port & 0xFF] : null;

    private uint Read(int port, int sizeBytes)
    {
        if (Find(port)?.Reads[WidthIndex(sizeBytes)] is { } handler)
        {
            return handler((ushort)port) & Mask(sizeBytes);
        }

        if (sizeBytes == 1)
        {
            return 0xFF;
        }

        var half = sizeBytes / 2;
        var low = Read(port, half);
        return low | (Read(port + half, half) << (8 * half));
    }

    private void Write(int port, int sizeBytes, uint value)
    {
        if (Find(port)?.Writes[WidthIndex(sizeBytes)] is { } handler)
        {
            handler((ushort)port, value);
        }
        else if (sizeBytes > 1)
        {
            var half = sizeBytes / 2;
            Write(port, half, value & Mask(half));
            Write(port + half, half, value >> (8 * half));
        }
    }

    private void Claim(PioAddress start, int lengthPorts, int sizeBytes, object owner, Action<Slot> set)
    {
        ArgumentNullException.ThrowIfNull(owner);
        if (sizeBytes is not (1 or 2 or 4))
        {
            throw new ArgumentOutOfRangeException(nameof(sizeBytes), sizeBytes, "a port access is 1, 2 or 4 bytes wide");
        }

        if (lengthPorts <= 0 || lengthPorts % sizeBytes != 0 || start.Value + lengthPorts > PortCount)
        {
            throw new ArgumentOutOfRangeException(
                nameof(lengthPorts), lengthPorts, $"no range of {sizeBytes}-byte ports from {start} on");
        }

        lock (_gate)
        {
            var ports = Enumerable.Range(start.Value, lengthPorts).ToArray();
            var taken = Array.FindIndex(ports, port => Find(port) is { } slot && slot.Owner != owner);
            if (taken >= 0)
            {
                throw new BusOverlapException($"port 0x{ports[taken]:x} has another owner");
            }

            foreach (var port in ports)
            {
                var page = _pages[port >> 8] ?? new Slot?[256];
                var slot = page[port & 0xFF] ?? new Slot(owner);
                if ((port - start.Value) % sizeBytes == 0)
                {
                    set(slot);
                }

                page[port & 0xFF] = slot;
                Volatile.Write(ref _pages[port >> 8], page);
            }
        }
    }

    private sealed class Slot(object owner)
    {
        public object Owner { get; } = owner;

        public PortReadHandler?[] Reads { get; } = new PortReadHandler?[3];

        public PortWriteHandler?[] Writes { get; } = new PortWriteHandler?[3];
    }
}
