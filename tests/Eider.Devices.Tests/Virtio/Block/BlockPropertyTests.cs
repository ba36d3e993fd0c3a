using Eider.Devices.Tests.Virtio.Bench;
using Eider.Devices.Virtio.Block;
using Eider.Storage;
using Eider.Testing.Virtio;
using static Eider.Devices.Virtio.Block.BlockRequestStatus;
using static Eider.Devices.Virtio.Block.BlockRequestType;

namespace Eider.Devices.Tests.Virtio.Block;

/// <summary>
/// Random requests in random framings against a storage that answers out of order and fails at times, compared
/// with an array. A seed names a failing run.
/// </summary>
public sealed class BlockPropertyTests
{
    private const int Sectors = 512;
    private const int SlotSectors = 8;

    private readonly byte[] _model = new byte[Sectors * 512];
    private readonly List<Expected> _flight = [];
    private Random _random = null!;
    private BlockBench _disk = null!;
    private int _failures;

    public static TheoryData<int, bool, bool> Seeds()
    {
        var data = new TheoryData<int, bool, bool>();
        for (var seed = 0; seed < 24; seed++)
        {
            data.Add(seed, seed % 2 == 1, seed % 4 >= 2);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Any_mix_of_requests_does_to_the_disk_what_it_does_to_an_array(int seed, bool isPacked, bool faults)
    {
        _random = new Random(seed);
        _random.NextBytes(_model);
        var storage = new ScriptedStorage([.. _model]) { Holds = true, Log = null };
        if (faults)
        {
            // A failed flush would end all writes for good; it has tests of its own.
            storage.Failure = o => o != BlockOperation.Flush && _random.Next(5) == 0 ? Fault() : null;
        }

        using var disk = new BlockBench(storage, isPacked, d => d with { SecureErase = true });
        _disk = disk;
        for (var step = 0; step < 1500; step++)
        {
            Step();
        }

        storage.Failure = null;
        disk.Bench.Run();
        while (storage.HeldCount > 0)
        {
            storage.ReleaseAll();
            disk.Bench.Run();
        }

        Collect();
        Assert.Empty(_flight);
        Assert.Empty(disk.Bench.Faults);
        Assert.Equal(_failures, disk.Bench.Statistics.Failures);
        Assert.True(_failures > 50);
        Assert.Equal(0, disk.Bench.Queue(0).InFlightCount);
        Assert.Equal(_model, storage.Content);
    }

    private static BlockStorageException Fault() => new BlockStorageException(BlockErrorKind.Io, BlockOperation.Write, "scripted", 0, "injected");

    private void Step()
    {
        if (_flight.Count == 0)
        {
            _disk.Bench.FreeBuffers();
        }

        // At most 8 in flight: every chain has its stretch of the ring and of memory.
        if (_flight.Count < 8 && _random.Next(3) != 0)
        {
            Submit();
        }
        else if (_disk.Storage.HeldCount > 0)
        {
            _disk.Storage.Release(_random.Next(_disk.Storage.HeldCount));
        }

        if (_random.Next(2) == 0)
        {
            _disk.Bench.Run();
            Collect();
        }
    }

    private void Submit()
    {
        // Requests in flight stay in slots of their own, since those that overlap have no order.
        var slot = _random.Next(Sectors / SlotSectors);
        if (_flight.Exists(e => e.Slot == slot) || (_flight.Count > 0 && _random.Next(8) == 0))
        {
            return;
        }

        var start = slot * SlotSectors;
        var count = _random.Next(0, SlotSectors + 1);
        switch (_random.Next(10))
        {
            case < 3:
                Send(slot, In, (ulong)start, [], count * 512, new Expected(slot) { ReadFrom = start * 512, ReadBytes = count * 512 });
                break;
            case < 6:
                var data = new byte[count * 512];
                _random.NextBytes(data);
                Send(slot, Out, (ulong)start, data, 0, new Expected(slot) { Apply = () => data.CopyTo(_model, start * 512) });
                break;
            case < 8:
                var type = (BlockRequestType)_random.GetItems([(int)Discard, (int)WriteZeroes, (int)SecureErase], 1)[0];
                var first = _random.Next(0, count + 1);
                var ranges = BlockBench.Ranges(
                    ((ulong)start, (uint)first, 0), ((ulong)(start + first), (uint)(count - first), 0));
                Send(slot, type, 0, ranges, 0, new Expected(slot)
                {
                    Apply = () => _model.AsSpan(start * 512, count * 512).Clear(),
                    IsPartialOnFailure = true,
                });
                break;
            case < 9:
                Send(slot, Flush, 0, [], 0, new Expected(slot));
                break;
            default:
                SendBad(slot);
                break;
        }
    }

    private void SendBad(int slot)
    {
        var place = (ulong)_random.NextInt64(Sectors - 1, long.MaxValue);
        var (type, sector, output, input, status) = _random.Next(6) switch
        {
            0 => (In, place, 0, 1024, IoError),
            1 => (Out, place, 1024, 0, IoError),
            2 => (In, 0UL, 0, 511, IoError),
            3 => (Out, 0UL, 513, 0, IoError),
            4 => ((BlockRequestType)_random.Next(15, 99), 0UL, 40, 40, Unsupported),
            _ => (Discard, 0UL, 24, 0, IoError),
        };
        Send(slot, type, sector, new byte[output], input, new Expected(slot) { Status = status });
    }

    private void Send(int slot, BlockRequestType type, ulong sector, byte[] output, int inputBytes, Expected expected)
    {
        Assert.Equal(slot, expected.Slot);
        var readable = BlockBench.Header(type, sector).Concat(output).ToArray();
        var buffers = new List<DriverBuffer>();
        foreach (var piece in Cut(readable.Length))
        {
            buffers.Add(_disk.Bench.Readable(readable.AsSpan(piece.Start, piece.Length)));
        }

        foreach (var piece in Cut(inputBytes + 1))
        {
            buffers.Add(_disk.Bench.Writable(piece.Length, BlockBench.Unwritten));
        }

        _disk.Bench.UsesIndirect = _random.Next(2) == 0;
        expected.Ticket = _disk.Bench.Submit(0, [.. buffers]);
        _flight.Add(expected);
    }

    private IEnumerable<(int Start, int Length)> Cut(int length)
    {
        var pieces = _random.Next(1, 5);
        for (var start = 0; start < length;)
        {
            var isLast = --pieces == 0;
            var piece = isLast ? length - start : Math.Min(length - start, _random.Next(1, Math.Max(2, length)));
            yield return (start, piece);
            start += piece;
        }
    }

    private void Collect()
    {
        foreach (var done in _flight.Where(e => e.Ticket.IsUsed).ToList())
        {
            _flight.Remove(done);
            Check(done);
        }
    }

    private void Check(Expected done)
    {
        var input = done.Ticket.Buffers.Where(b => b.IsWritable).SelectMany(_disk.Bench.Read).ToArray();
        var status = (BlockRequestStatus)input[^1];
        var faultsPossible = _disk.Storage.Failure is not null || _disk.HostFailures.Count > 0;
        if (status != Ok)
        {
            _failures++;
            Assert.True(done.Status == status || (done.Status == Ok && status == IoError && faultsPossible), $"{done.Status} became {status}");
            Assert.Equal(input.Length == 1 ? 1u : 0u, done.Ticket.UsedBytes); // behind a gap the status does not count (2.7.8.2)
            if (done.IsPartialOnFailure)
            {
                // 5.2.6: what became of the segments is open; the model takes over what is there.
                var place = done.Slot * SlotSectors * 512;
                _disk.Storage.Content.AsSpan(place, SlotSectors * 512).CopyTo(_model.AsSpan(place));
            }

            return;
        }

        Assert.Equal(Ok, done.Status);
        done.Apply?.Invoke();
        Assert.Equal((uint)done.ReadBytes + 1, done.Ticket.UsedBytes);
        Assert.Equal(_model[done.ReadFrom..(done.ReadFrom + done.ReadBytes)], input[..done.ReadBytes]);
    }

    private sealed class Expected(int slot)
    {
        public int Slot { get; } = slot;

        public BenchTicket Ticket { get; set; } = null!;

        public BlockRequestStatus Status { get; init; } = Ok;

        public Action? Apply { get; init; }

        public int ReadFrom { get; init; }

        public int ReadBytes { get; init; }

        public bool IsPartialOnFailure { get; init; }
    }
}
