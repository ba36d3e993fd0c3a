using Eider.Devices.SimpleVirtio;

namespace Eider.Testing.SimpleVirtio;

/// <summary>
/// KeOS's driver, rewritten: the sequence of section 3 with its read-backs, a ring of any size, and a kick that looks at head,
/// tail and status afterwards.
/// </summary>
public sealed class SvirtbDriver
{
    /// <summary>Entries of KeOS's ring.</summary>
    public const uint KeosQueueSize = 4096;

    private readonly SvirtbBench _bench;
    private readonly uint _queueSize;
    private uint _head;

    private SvirtbDriver(SvirtbBench bench, uint queueSize)
    {
        _bench = bench;
        _queueSize = queueSize;
    }

    /// <summary>Brings the device up; null if it does not follow, after a RESET as KeOS does.</summary>
    public static SvirtbDriver? TryStart(SvirtbBench bench, uint queueSize = KeosQueueSize)
    {
        if (bench.Status != SvirtbStatus.Magic)
        {
            bench.Write(SvirtbStatus.Reset);
            return null;
        }

        bench.Write(SvirtbStatus.DriverOk);
        if (bench.Status != SvirtbStatus.DriverOk)
        {
            return null;
        }

        bench.Describe(queueSize);
        bench.Write(SvirtbStatus.Ready);
        if (bench.Status != SvirtbStatus.Ready)
        {
            bench.Write(SvirtbStatus.Reset);
            return null;
        }

        return new SvirtbDriver(bench, queueSize) { _head = bench.Head };
    }

    /// <summary>Fills the next entry with one sector's worth.</summary>
    public void Add(SvirtbCommand command, ulong address, ulong sector)
    {
        _bench.Fill(_head, address, SvirtbLimits.SectorBytes, sector, (uint)command);
        _head = (_head + 1) % _queueSize;
    }

    /// <summary>Rings, unless there is nothing new, and looks whether all was done.</summary>
    /// <returns>False for an I/O error.</returns>
    public bool TryKick()
    {
        if (_bench.Head != _head)
        {
            _bench.Write(SvirtbRegister.QueueHead, _head);
        }

        return _bench.Head == _head && _bench.Tail == _head && _bench.Status == SvirtbStatus.Ready;
    }

    /// <summary>One sector from the disk.</summary>
    public bool TryRead(ulong sector, Span<byte> data) => TryReadMany(sector, data);

    /// <summary>One sector to the disk.</summary>
    public bool TryWrite(ulong sector, ReadOnlySpan<byte> data) => TryWriteMany(sector, data);

    /// <summary>Sectors from the disk with one doorbell.</summary>
    /// <param name="sector">The first one.</param>
    /// <param name="data">What the buffer holds before, and after.</param>
    public bool TryReadMany(ulong sector, Span<byte> data)
    {
        _bench.Ram.TryWrite(SvirtbBench.Buffers, data);
        AddAll(SvirtbCommand.Read, sector, data.Length);
        return TryKick() && _bench.Ram.TryRead(SvirtbBench.Buffers, data);
    }

    /// <summary>Sectors to the disk with one doorbell.</summary>
    public bool TryWriteMany(ulong sector, ReadOnlySpan<byte> data)
    {
        _bench.Ram.TryWrite(SvirtbBench.Buffers, data);
        AddAll(SvirtbCommand.Write, sector, data.Length);
        return TryKick();
    }

    /// <summary>KeOS's way to learn the size: bytes that no read changes are behind the end.</summary>
    public int? TryProbeSize(int sectors)
    {
        var first = new byte[sectors * SvirtbLimits.SectorBytes];
        var second = (byte[])first.Clone();
        Array.Fill(first, (byte)0xFF);
        Array.Fill(second, (byte)0xEE);
        if (!TryReadMany(0, first) || !TryReadMany(0, second))
        {
            return null;
        }

        var size = 0;
        while (size < first.Length && first[size] == second[size])
        {
            size++;
        }

        return size;
    }

    /// <summary>Starts over, so that the next driver finds the magic.</summary>
    public void Finish() => _bench.Write(SvirtbStatus.Reset);

    private void AddAll(SvirtbCommand command, ulong sector, int lengthBytes)
    {
        for (var i = 0U; i < lengthBytes / SvirtbLimits.SectorBytes; i++)
        {
            Add(command, SvirtbBench.Buffers + ((ulong)i * SvirtbLimits.SectorBytes), sector + i);
        }
    }
}
