using Eider.Hardware.Resources;

namespace Eider.Hardware.Bus;

/// <summary>
/// Hands port and memory-mapped accesses to the devices that claimed the addresses. Lookup takes no lock: an
/// immutable sorted array is swapped whole when devices come and go.
/// </summary>
public sealed class IoManager
{
    private readonly Lock _gate = new();
    private Entry[] _mmio = [];
    private Entry[] _pio = [];

    /// <summary>Registers a device for the port and memory-mapped ranges of a list; other kinds are skipped.</summary>
    /// <exception cref="BusOverlapException">A range is empty, wraps around or overlaps; nothing is registered then.</exception>
    public void Register(IDeviceIo device, DeviceResources resources)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(resources);
        lock (_gate)
        {
            var mmio = _mmio;
            var pio = _pio;
            foreach (var resource in resources)
            {
                switch (resource)
                {
                    case Resource.MmioAddressRange range:
                        mmio = Insert(mmio, new Entry(range.Base.Value, range.Size, device), ulong.MaxValue);
                        break;
                    case Resource.PioAddressRange range:
                        pio = Insert(pio, new Entry(range.Base.Value, range.Size, device), ushort.MaxValue);
                        break;
                }
            }

            Volatile.Write(ref _mmio, mmio);
            Volatile.Write(ref _pio, pio);
        }
    }

    /// <summary>A memory-mapped read of 1 to 8 bytes. A miss reads all ones.</summary>
    public BusResult MmioRead(IoAddress address, Span<byte> data)
    {
        var result = Find(Volatile.Read(ref _mmio), address.Value, (uint)data.Length, out var entry)
            ? entry.Device.Read(entry.Base, address.Value - entry.Base, data)
            : BusStatus.NoDevice;
        return FillOnFailure(result, data);
    }

    /// <summary>A memory-mapped write of 1 to 8 bytes.</summary>
    public BusResult MmioWrite(IoAddress address, ReadOnlySpan<byte> data) =>
        Find(Volatile.Read(ref _mmio), address.Value, (uint)data.Length, out var entry)
            ? entry.Device.Write(entry.Base, address.Value - entry.Base, data)
            : BusStatus.NoDevice;

    /// <summary>A port read of 1, 2 or 4 bytes. A miss reads all ones.</summary>
    public BusResult PioRead(PioAddress port, Span<byte> data)
    {
        var result = Find(Volatile.Read(ref _pio), port.Value, (uint)data.Length, out var entry)
            ? entry.Device.PioRead((ushort)entry.Base, (ushort)(port.Value - entry.Base), data)
            : BusStatus.NoDevice;
        return FillOnFailure(result, data);
    }

    /// <summary>A port write of 1, 2 or 4 bytes.</summary>
    public BusResult PioWrite(PioAddress port, ReadOnlySpan<byte> data) =>
        Find(Volatile.Read(ref _pio), port.Value, (uint)data.Length, out var entry)
            ? entry.Device.PioWrite((ushort)entry.Base, (ushort)(port.Value - entry.Base), data)
            : BusStatus.NoDevice;

    private static BusResult FillOnFailure(BusResult result, Span<byte> data)
    {
        if (result.Status is not (BusStatus.Ok or BusStatus.Pending))
        {
            data.Fill(0xFF);
        }

        return result;
    }

    private static bool Find(Entry[] entries, ulong address, uint length, out Entry entry)
    {
        int low = 0, high = entries.Length - 1;
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            entry = entries[middle];
            if (address < entry.Base)
            {
                high = middle - 1;
            }
            else if (address - entry.Base >= entry.Size)
            {
                low = middle + 1;
            }
            else
            {
                return length <= entry.Size - (address - entry.Base);
            }
        }

        entry = default;
        return false;
    }

    private static Entry[] Insert(Entry[] entries, Entry added, ulong lastAddress)
    {
        if (added.Size == 0 || added.Size - 1 > lastAddress - added.Base)
        {
            throw new BusOverlapException($"range at 0x{added.Base:x} of size 0x{added.Size:x} is empty or wraps around");
        }

        foreach (var entry in entries)
        {
            if (added.Base <= entry.Base + (entry.Size - 1) && entry.Base <= added.Base + (added.Size - 1))
            {
                throw new BusOverlapException(
                    $"range 0x{added.Base:x} of size 0x{added.Size:x} overlaps 0x{entry.Base:x} of size 0x{entry.Size:x}");
            }
        }

        return [.. entries.Append(added).OrderBy(entry => entry.Base)];
    }

    private readonly record struct Entry(ulong Base, ulong Size, IDeviceIo Device);
}
