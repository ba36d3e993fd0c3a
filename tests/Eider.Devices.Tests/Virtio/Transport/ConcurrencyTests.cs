using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Bus;
using Eider.Hardware.Lifecycle;
using Eider.Hardware.Memory;
using Eider.Hardware.Time;
using Eider.Testing.Hardware;
using Eider.Testing.Memory;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Transport;

/// <summary>Several harts, several workers, a guest that changes its memory meanwhile; and traces.</summary>
public sealed class ConcurrencyTests
{
    [Fact]
    public async Task Harts_that_hammer_all_registers_at_once_break_nothing()
    {
        var device = new EchoDevice(8, 8) { OwnFeatures = 0b11 };
        await using var bench = new VirtioTestBench(
            device, new() { Offered = FeatureSets.All }, null, new ThreadExecutor(_ => Assert.Fail("a worker threw")));
        var cancel = TestContext.Current.CancellationToken;
        var rings = bench.Allocate(3 * 4096);
        var harts = Enumerable.Range(1, 3).Select(seed => Task.Run(() => Hammer(bench, new Random(seed)), cancel)).ToList();
        harts.Add(Task.Run(() => Drive(bench, rings), cancel));
        await Task.WhenAll(harts).WaitAsync(TimeSpan.FromSeconds(60), cancel);
        Assert.Equal(0, bench.Mmio.Faults);

        // And it still works.
        await WriteAndWait(bench, VirtioMmioRegister.Status, 0);
        Assert.True(bench.Negotiate(FeatureSets.Split));
        var ring = bench.SetUpQueue(0, 8, FeatureSets.Split);
        bench.Write(VirtioMmioRegister.Status, 15);
        ring.Add([new(bench.Allocate(8), 8, false)]);
        bench.Write(VirtioMmioRegister.QueueNotify, 0);
        SpinWait.SpinUntil(() => bench.Line.Level, TimeSpan.FromSeconds(20));
        Assert.True(ring.TryGetUsed(out _));
        await WriteAndWait(bench, VirtioMmioRegister.Status, 0);
    }

    [Fact]
    public async Task A_queue_that_another_hart_moves_while_it_is_checked_does_not_become_ready()
    {
        CheckedMemory? memory = null;
        await using var bench = new VirtioTestBench(new EchoDevice(), null, ram => memory = new CheckedMemory(ram));
        Assert.True(bench.Negotiate(FeatureSets.Split));
        memory!.Checked = () =>
        {
            memory.Checked = null;
            bench.Write(VirtioMmioRegister.QueueSize, 3); // no power of two
        };
        bench.SetUpQueue(0, 16, FeatureSets.Split);
        Assert.Equal(0u, bench.Read(VirtioMmioRegister.QueueReady));
        bench.Write(VirtioMmioRegister.Status, 15);
        bench.Run();
        Assert.Equal(0, bench.Mmio.Faults);
    }

    [Fact]
    public async Task The_wire_shows_the_register_once_all_are_done()
    {
        var device = new EchoDevice();
        await using var bench = new VirtioTestBench(device);
        bench.Start(FeatureSets.Split);
        var cancel = TestContext.Current.CancellationToken;
        for (var round = 0; round < 200; round++)
        {
            var raise = Task.Run(() => device.Host.ConfigChanged(), cancel);
            var acknowledge = Task.Run(() => bench.BeginWrite(VirtioMmioRegister.InterruptAck, 2), cancel);
            await Task.WhenAll(raise, acknowledge);
            Assert.Equal(bench.Read(VirtioMmioRegister.InterruptStatus) != 0, bench.Line.Level);
        }
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Every), MemberType = typeof(FeatureSets))]
    public async Task A_guest_that_changes_what_was_read_once_changes_nothing(ulong features)
    {
        // Every byte shows another value from its second read on; what is polled by design is left out.
        RingDriver? ring = null;
        MutatingGuestMemory? mutating = null;
        var device = new EchoDevice();
        await using var bench = new VirtioTestBench(
            device, new() { Offered = FeatureSets.All }, ram => mutating = new MutatingGuestMemory(ram, address => !IsPolled(ring, address)));
        ring = bench.Start(features, 8);
        var (memory, table) = (bench.Allocate(4096), bench.Allocate(4096));
        for (var i = 0; i < 100; i++)
        {
            mutating!.Reset();
            bench.Ram.TryWrite(memory, [(byte)i, 2, 3, 4, 5]);
            ring.Add(
                [new(memory, 2, false), new(memory + 2, 3, false), new(memory + 64, 5, true)],
                features.Has(VirtioFeature.IndirectDesc) && i % 2 == 0 ? table : 0);
            bench.Notify();
            Assert.True(ring.TryGetUsed(out var used));
            Assert.Equal(5u, used.WrittenBytes);
            Assert.Equal([(byte)(i + 1), 3, 4, 5, 6], ring.Read(memory + 64, 5));
        }

        Assert.Equal(0, mutating!.Mutations);
    }

    [Fact]
    public async Task Traces_tell_of_status_notifications_interrupts_faults_and_resets()
    {
        var sink = new RecordingTraceSink();
        await using var bench = new VirtioTestBench(new EchoDevice(), null, null, null, sink);
        var ring = bench.Start(FeatureSets.Split);
        ring.Add([new(bench.Allocate(8), 8, false)]);
        bench.Notify();
        ring.Add([new(0, 8, false)]);
        bench.Notify();
        bench.Write(VirtioMmioRegister.Status, 0);
        Assert.All(sink.Events, traced => Assert.Equal((TraceCategory.Virtio, "test"), (traced.Category, traced.Source)));
        var operations = sink.Events.Select(traced => traced.Operation).ToHashSet();
        Assert.Superset(new HashSet<string> { "status", "queue-state", "notify", "interrupt", "queue-fault", "needs-reset", "queue-stopped", "reset" }, operations);
    }

    private static bool IsPolled(RingDriver? ring, ulong address)
    {
        if (ring is null)
        {
            return true;
        }

        var layout = ring.Layout;
        var packedFlags = layout.Features.Has(VirtioFeature.RingPacked) && (address & 15) >= 14
            && In(address, layout.DescriptorAddress, layout.PartSizes.Descriptor);
        return packedFlags || In(address, layout.DriverAddress, 4) || In(address, layout.DriverAddress + layout.PartSizes.Driver - 2, 2);

        static bool In(ulong address, ulong start, ulong length) => address >= start && address - start < length;
    }

    /// <summary>Brings the device up again and again, whatever the other harts do meanwhile.</summary>
    private static void Drive(VirtioTestBench bench, ulong rings)
    {
        (VirtioMmioRegister Register, uint Value)[] steps =
        [
            (VirtioMmioRegister.Status, 0), (VirtioMmioRegister.Status, 3), (VirtioMmioRegister.DriverFeaturesSel, 1),
            (VirtioMmioRegister.DriverFeatures, 0x101), (VirtioMmioRegister.Status, 11), (VirtioMmioRegister.QueueSel, 0),
            (VirtioMmioRegister.QueueSize, 8), (VirtioMmioRegister.QueueDescHigh, 0), (VirtioMmioRegister.QueueDescLow, (uint)rings),
            (VirtioMmioRegister.QueueDriverHigh, 0), (VirtioMmioRegister.QueueDriverLow, (uint)rings + 4096),
            (VirtioMmioRegister.QueueDeviceHigh, 0), (VirtioMmioRegister.QueueDeviceLow, (uint)rings + 8192),
            (VirtioMmioRegister.QueueReady, 1), (VirtioMmioRegister.Status, 15), (VirtioMmioRegister.QueueNotify, 0),
        ];
        for (var i = 0; i < 1000; i++)
        {
            foreach (var (register, value) in steps)
            {
                Wait(bench.BeginWrite(register, value), register);
            }
        }
    }

    private static void Wait(BusResult result, VirtioMmioRegister register)
    {
        if (result.Pending is { } pending)
        {
            SpinWait.SpinUntil(() => pending.IsCompleted, TimeSpan.FromSeconds(30));
            Assert.True(pending.IsCompleted, $"{register} never completed");
        }
    }

    private static void Hammer(VirtioTestBench bench, Random random)
    {
        var values = new uint[] { 0, 0, 1, 1, 3, 8, 11, 15, 0x8010_0000, uint.MaxValue };
        Span<byte> data = stackalloc byte[4];
        for (var i = 0; i < 4000; i++)
        {
            var register = (VirtioMmioRegister)(random.Next(0x42) * 4);
            if (random.Next(3) == 0)
            {
                bench.Mmio.Read(0, (ulong)register, data);
                continue;
            }

            Wait(bench.BeginWrite(register, values[random.Next(values.Length)]), register);
        }
    }

    private static async Task WriteAndWait(VirtioTestBench bench, VirtioMmioRegister register, uint value)
    {
        if (bench.BeginWrite(register, value).Pending is { } pending)
        {
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            pending.OnCompleted(done.SetResult);
            await done.Task.WaitAsync(TimeSpan.FromSeconds(30));
        }
    }

    // Tells when the device asks whether a range is RAM.
    private sealed class CheckedMemory(GuestMemory inner) : GuestMemoryDecorator(inner)
    {
        public Action? Checked { get; set; }

        public override bool Contains(ulong address, ulong lengthBytes)
        {
            Checked?.Invoke();
            return base.Contains(address, lengthBytes);
        }
    }
}
