using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Transport;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Queue;

/// <summary>A model driver against the rings: random requests, completions and notification modes.</summary>
public sealed class RingModelTests
{
    private static readonly VirtioTransportOptions Options = new() { Offered = FeatureSets.All };

    [Theory]
    [MemberData(nameof(FeatureSets.Every), MemberType = typeof(FeatureSets))]
    public async Task Every_request_comes_back_once_with_its_own_answer(ulong features)
    {
        foreach (var size in features.Has(VirtioFeature.RingPacked) ? new[] { 1, 3, 7, 16 } : new[] { 1, 2, 8, 16 })
        {
            var device = new EchoDevice { HoldsBack = true };
            await using var bench = new VirtioTestBench(device, Options);
            var ring = bench.Start(features, size);
            new Run(bench, device, ring, features, size).Go(1500);
            Assert.Equal(0, bench.Mmio.Faults);
            Assert.Equal(0, bench.Mmio.DriverErrors);
        }
    }

    private sealed class Run(VirtioTestBench bench, EchoDevice device, RingDriver ring, ulong features, int size)
    {
        private const int SlotBytes = 4096;
        private readonly Random _random = new(size);
        private readonly ulong _memory = bench.Allocate(SlotBytes * 64);
        private readonly ulong _tables = bench.Allocate(SlotBytes * 64);
        private readonly Dictionary<ushort, (byte[] Sent, List<DriverBuffer> Buffers)> _open = [];
        private readonly Queue<ushort> _order = new();
        private int _slot;
        private DriverMode _mode;

        public void Go(int steps)
        {
            for (var step = 0; step < steps; step++)
            {
                switch (_random.Next(5))
                {
                    case 0 or 1:
                        Submit();
                        break;
                    case 2:
                        CompleteSome();
                        break;
                    case 3:
                        Collect();
                        break;
                    default:
                        _mode = (DriverMode)_random.Next(features.Has(VirtioFeature.EventIdx) ? 3 : 2);
                        ring.SetMode(_mode);
                        break;
                }
            }

            while (_open.Count != 0)
            {
                bench.Notify();
                CompleteSome();
                Collect();
            }
        }

        private void Submit()
        {
            var count = _random.Next(1, 5);
            var indirect = features.Has(VirtioFeature.IndirectDesc) && count <= size && _random.Next(2) == 0;
            if (ring.FreeCount < (indirect ? 1 : count) || _open.Count >= 32)
            {
                return;
            }

            var buffers = new List<DriverBuffer>();
            var sent = new byte[_random.Next(0, 300)];
            _random.NextBytes(sent);
            var slot = _memory + ((ulong)(_slot++ % 64) * SlotBytes);
            var readable = _random.Next(0, count + 1);
            Split(buffers, slot, sent.Length, readable, writable: false);
            Split(buffers, slot + 1024, _random.Next(0, 300), count - readable, writable: true);
            if (readable == 0)
            {
                sent = [];
            }

            bench.Ram.TryWrite(slot, sent);
            var id = ring.Add([.. buffers], indirect ? _tables + ((ulong)(_slot % 64) * SlotBytes) : 0);
            _open.Add(id, (sent, buffers));
            _order.Enqueue(id);
            bench.Kick();
        }

        private void Split(List<DriverBuffer> buffers, ulong address, int total, int pieces, bool writable)
        {
            for (var i = 0; i < pieces; i++)
            {
                var length = i == pieces - 1 ? total : _random.Next(total + 1);
                buffers.Add(new DriverBuffer(address, (uint)length, writable));
                address += (ulong)length;
                total -= length;
            }
        }

        private void CompleteSome()
        {
            var before = bench.Line.Rises;
            bench.Acknowledge();
            var completed = 0;
            device.OnProcess = () =>
            {
                for (var i = _random.Next(device.Held.Count + 1); i > 0; i--)
                {
                    var pick = _random.Next(device.Held.Count);
                    device.Answer(device.Held[pick]);
                    device.Held.RemoveAt(pick);
                    completed++;
                }
            };
            device.Host.Wake(0);
            bench.Run();
            device.OnProcess = null;
            var inOrder = features.Has(VirtioFeature.InOrder);
            if (_mode == DriverMode.Always && completed != 0 && !inOrder && !features.Has(VirtioFeature.EventIdx))
            {
                Assert.True(bench.Line.Rises > before, "no interrupt for a used buffer");
            }
        }

        private void Collect()
        {
            while (ring.TryGetUsed(out var used))
            {
                if (features.Has(VirtioFeature.InOrder))
                {
                    Assert.Equal(_order.Dequeue(), used.Id);
                }

                Assert.True(_open.Remove(used.Id, out var request));
                var room = request.Buffers.Where(buffer => buffer.IsWritable).Sum(buffer => buffer.LengthBytes);
                var expected = request.Sent.Take((int)room).Select(value => unchecked((byte)(value + 1))).ToArray();
                Assert.Equal((uint)expected.Length, used.WrittenBytes);
                var actual = request.Buffers.Where(buffer => buffer.IsWritable)
                    .SelectMany(buffer => ring.Read(buffer.Address, (int)buffer.LengthBytes)).Take(expected.Length);
                Assert.Equal(expected, actual);
            }
        }
    }
}
