using Eider.Devices.Virtio.Queue;
using Eider.Devices.Virtio.Transport;
using Eider.Testing.Virtio;
using static Eider.Devices.Tests.Virtio.Clauses.ClauseBench;

namespace Eider.Devices.Tests.Virtio.Clauses;

/// <summary>Drivers that break the rules of virtio 1.3, section 2.7.</summary>
public sealed class SplitDriverClauseTests
{
    private const ulong Features = FeatureSets.Split | FeatureSets.Indirect;
    private const int Next = 1, Write = 2, Indirect = 4;

    [Theory]
    [InlineData(8ul, 0ul, 0ul)]
    [InlineData(0ul, 1ul, 0ul)]
    [InlineData(0ul, 0ul, 2ul)]
    public async Task Spec_2_7_1_a_UnalignedParts(ulong descriptors, ulong driver, ulong device)
    {
        await using var clause = new EchoClauseBench(Features);
        PackedDriverClauseTests.ExpectUnusable(clause, descriptors, driver, device);
    }

    [Fact]
    public async Task Spec_2_7_4_2_a_ReadableAfterWritable()
    {
        foreach (var table in new[] { false, true })
        {
            await using var clause = EchoClauseBench.Started(Features);
            var buffers = clause.Buffers();
            clause.Ring.Add([buffers[1], buffers[0]], table ? clause.Bench.Allocate(32) : 0);
            clause.ExpectBrokenRing(QueueFault.ReadableAfterWritable);
        }
    }

    [Fact]
    public async Task Spec_2_7_5_2_a_TooLongOrLooped()
    {
        await using (var looped = EchoClauseBench.Started(Features))
        {
            looped.MakeAvailable(VirtioTestBench.RamBase, 1, Next, next: 0);
            looped.ExpectBrokenRing(QueueFault.ChainTooLong);
        }

        await using var large = new EchoClauseBench(Features, new EchoDevice(512));
        large.Start(512);
        var all = new DriverBuffer(VirtioTestBench.RamBase, (uint)VirtioTestBench.RamBytes, true);
        large.Ring.Add([.. Enumerable.Repeat(all, 257)]); // 2^32 bytes and 16 MiB
        large.ExpectBrokenRing(QueueFault.ChainTooLarge);
    }

    [Fact]
    public async Task Spec_2_7_5_2_b_InOrderNextIsNotTheNeighbour()
    {
        await using var clause = EchoClauseBench.Started(Features | FeatureSets.InOrder);
        var buffers = clause.Buffers();
        clause.Ring.WriteDescriptor(clause.Split.DescriptorAddress(5), buffers[1].Address, 4, Write, 0);
        var used = clause.NextUsed();
        clause.MakeAvailable(buffers[0].Address, 4, Next, next: 5);
        clause.Bench.Notify();
        clause.ExpectAndRecover(Live, Used, [.. used, clause.Suppression(), (buffers[1].Address, 4)]); // followed as it is
    }

    [Fact]
    public async Task Spec_2_7_5_3_1_a_IndirectNotNegotiated()
    {
        await using var clause = EchoClauseBench.Started(FeatureSets.Split);
        clause.Ring.Add(clause.Buffers(), clause.Bench.Allocate(32));
        clause.ExpectBrokenRing(QueueFault.IndirectNotNegotiated);
    }

    [Fact]
    public async Task Spec_2_7_5_3_1_b_IndirectInsideATable()
    {
        await using var clause = EchoClauseBench.Started(Features);
        var table = clause.Bench.Allocate(32);
        clause.Ring.WriteDescriptor(table, table, 16, Indirect, 0);
        clause.MakeAvailable(table, 16, Indirect);
        clause.ExpectBrokenRing(QueueFault.IndirectNested);
    }

    [Fact]
    public async Task Spec_2_7_5_3_1_c_ChainLongerThanTheQueue()
    {
        await using var clause = EchoClauseBench.Started(Features);
        clause.Ring.Add([.. Enumerable.Repeat(clause.Buffers()[0], 9)], clause.Bench.Allocate(256));
        clause.ExpectBrokenRing(QueueFault.ChainTooLong);
        clause.Watch();
        var buffers = clause.Buffers();
        clause.Ring.Add([.. Enumerable.Repeat(buffers[0] with { LengthBytes = 1 }, 7), buffers[1]], clause.Bench.Allocate(256));
        clause.Bench.Notify();
        Assert.True(clause.Ring.TryGetUsed(out _)); // exactly as long
    }

    [Fact]
    public async Task Spec_2_7_5_3_1_d_IndirectWithNext()
    {
        await using var clause = EchoClauseBench.Started(Features);
        clause.MakeAvailable(clause.Bench.Allocate(32), 16, Indirect | Next, next: 1);
        clause.ExpectBrokenRing(QueueFault.IndirectNested);
    }

    [Fact]
    public async Task Spec_2_7_5_3_1_e_InOrderTableOutOfSequence()
    {
        await using var clause = EchoClauseBench.Started(Features | FeatureSets.InOrder);
        var buffers = clause.Buffers();
        var table = clause.Bench.Allocate(48);
        clause.Ring.WriteDescriptor(table, buffers[0].Address, 4, Next, 2);
        clause.Ring.WriteDescriptor(table + 16, 0, uint.MaxValue, Next, 0); // never looked at
        clause.Ring.WriteDescriptor(table + 32, buffers[1].Address, 4, Write, 0);
        var used = clause.NextUsed();
        clause.MakeAvailable(table, 48, Indirect);
        clause.Bench.Notify();
        clause.ExpectAndRecover(Live, Used, [.. used, clause.Suppression(), (buffers[1].Address, 4)]);
    }

    [Fact]
    public async Task Spec_2_7_6_1_a_AvailableIndexGoesBack()
    {
        await using var clause = EchoClauseBench.Started(Features);
        clause.Serve();
        clause.Serve();
        clause.Watch();
        clause.Ring.Write16(clause.Ring.Layout.DriverAddress + 2, 1);
        clause.ExpectBrokenRing(QueueFault.AvailableIndexJump);
    }

    [Theory]
    [InlineData(0xFFFE, Used)]
    [InlineData(2, Used)]
    [InlineData(3, None)]
    [InlineData(0xFFFF, None)]
    public async Task Spec_2_7_7_1_a_FlagsAreNeitherZeroNorOne(ushort flags, uint interrupts)
    {
        await using var clause = EchoClauseBench.Started(Features);
        clause.Ring.Write16(clause.Ring.Layout.DriverAddress, flags);
        clause.ExpectAndRecover(Live, interrupts, clause.Echo()); // bit 0 alone counts
    }

    [Theory]
    [InlineData(1)]
    [InlineData(0xFFFF)]
    public async Task Spec_2_7_7_1_b_FlagsWithEventIdx(ushort flags)
    {
        await using var clause = EchoClauseBench.Started(Features | FeatureSets.EventIdx);
        clause.Ring.Write16(clause.Ring.Layout.DriverAddress, flags);
        ExpectEchoWithEventIdx(clause);
    }

    [Fact]
    public async Task Spec_2_7_7_1_c_SpuriousInterrupt()
    {
        await using var clause = EchoClauseBench.Started(Features);
        for (var i = 0; i < 100; i++)
        {
            clause.Device.Host.Wake(0);
            clause.Bench.Run();
        }

        clause.ExpectAndRecover(Live, None, clause.Suppression()); // this device sends none
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public async Task Spec_2_7_8_3_a_BytesBeyondLen(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        var buffers = clause.Buffers();
        var used = clause.NextUsed();
        clause.Ring.Add([buffers[0], buffers[1] with { LengthBytes = 64 }]);
        clause.Bench.Notify();
        clause.ExpectAndRecover(Live, Used, [.. used, clause.Suppression(), (buffers[1].Address, 4)]); // 60 bytes are as they were
    }

    [Fact]
    public async Task Spec_2_7_10_1_a_UsedFlagsNotZeroAtTheStart()
    {
        await using var clause = new EchoClauseBench(Features);
        clause.Bench.Negotiate(Features);
        var ring = clause.Bench.SetUpQueue(0, 8, Features);
        ring.Write16(ring.Layout.DeviceAddress, 0xFFFF);
        clause.Watch();
        clause.Bench.Write(VirtioMmioRegister.Status, 15);
        clause.Bench.Run();
        Assert.Equal(0, ring.Read16(ring.Layout.DeviceAddress)); // put right before the device sleeps
        clause.ExpectAndRecover(Live, None, clause.Suppression());
    }

    [Fact]
    public async Task Spec_2_7_10_1_b_GoesByAvailEvent()
    {
        await using var clause = EchoClauseBench.Started(Features);
        clause.Serve();
        clause.Ring.Write16(clause.Split.AvailableEventAddress, 77);
        ExpectToWaitForAKick(clause); // the index never comes to 77 here
    }

    [Fact]
    public async Task Spec_2_7_10_1_c_NoKickAlthoughFlagsAreZero()
    {
        await using var clause = EchoClauseBench.Started(Features);
        ExpectToWaitForAKick(clause);
    }

    [Fact]
    public async Task Spec_2_7_10_1_d_GoesByFlagsWithEventIdx()
    {
        await using var clause = EchoClauseBench.Started(Features | FeatureSets.EventIdx);
        clause.Ring.Write16(clause.Ring.Layout.DeviceAddress, 1); // its own, wrong, memory of them: one kick less
        clause.Ring.Add(clause.Buffers());
        clause.Bench.Run();
        clause.Expect(Live, None);
        clause.Bench.Notify();
        Assert.True(clause.Ring.TryGetUsed(out _));
        clause.Recover();
    }

    [Fact]
    public async Task Spec_2_7_10_1_e_NoKickAtAvailEvent()
    {
        await using var clause = EchoClauseBench.Started(Features | FeatureSets.EventIdx);
        clause.Ring.Add(clause.Buffers());
        clause.Bench.Run();
        clause.Expect(Live, None); // asleep until it hears of it
        Assert.True(clause.Ring.NeedsKick());
        clause.Bench.Notify();
        Assert.True(clause.Ring.TryGetUsed(out _));
        clause.Recover();
    }

    [Fact]
    public async Task Spec_2_7_13_3_1_a_NoBarrierBeforeIndex()
    {
        // What such a driver gets on a weak machine: the index is seen, entry and descriptor are still empty.
        await using var clause = EchoClauseBench.Started(Features);
        var used = clause.NextUsed();
        clause.Ring.Write16(clause.Ring.Layout.DriverAddress + 2, 1);
        clause.Bench.Notify();
        clause.ExpectAndRecover(Live, Used, [.. used, clause.Suppression()]);
    }

    [Fact]
    public async Task Spec_2_7_13_4_1_a_NoBarrierBeforeFlags()
    {
        var device = new EchoDevice(8, 8);
        await using var clause = EchoClauseBench.Started(Features, device);
        ushort stale = 0;
        device.OnProcess = () => stale = clause.Ring.Read16(clause.Ring.Layout.DeviceAddress);
        clause.Serve();
        Assert.Equal(1, stale); // read too early, so this driver does not kick
        ExpectToWaitForAKick(clause);
    }

    private static void ExpectToWaitForAKick(EchoClauseBench clause)
    {
        clause.Watch();
        var buffers = clause.Buffers();
        var used = clause.NextUsed();
        clause.Ring.Add(buffers);
        clause.Bench.Run();
        clause.Expect(Live, None);
        clause.Bench.Notify();
        clause.ExpectAndRecover(Live, Used, [.. used, clause.Suppression(), (buffers[1].Address, 4)]);
    }

    private static void ExpectEchoWithEventIdx(EchoClauseBench clause)
    {
        var buffers = clause.Buffers();
        var used = clause.NextUsed();
        clause.Ring.Add(buffers);
        clause.Bench.Notify();
        clause.ExpectAndRecover(Live, Used, [.. used, (clause.Split.AvailableEventAddress, 2), (buffers[1].Address, 4)]);
    }
}
