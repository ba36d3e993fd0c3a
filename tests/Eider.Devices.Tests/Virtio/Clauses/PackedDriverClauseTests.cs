using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Queue;
using Eider.Devices.Virtio.Transport;
using Eider.Testing.Virtio;
using static Eider.Devices.Tests.Virtio.Clauses.ClauseBench;

namespace Eider.Devices.Tests.Virtio.Clauses;

/// <summary>Drivers that break the rules of virtio 1.3, section 2.8.</summary>
public sealed class PackedDriverClauseTests
{
    private const ulong Features = FeatureSets.Packed | FeatureSets.Indirect;
    private const int Next = 1, Write = 2, Indirect = 4;

    [Theory]
    [InlineData(8ul, 0ul, 0ul)]
    [InlineData(0ul, 2ul, 0ul)]
    [InlineData(0ul, 0ul, 2ul)]
    public async Task Spec_2_8_11_a_UnalignedParts(ulong descriptors, ulong driver, ulong device)
    {
        await using var clause = new EchoClauseBench(Features);
        ExpectUnusable(clause, descriptors, driver, device);
    }

    [Fact]
    public async Task Spec_2_8_16_a_ChangesBeforeUsed()
    {
        var device = new EchoDevice(8, 8) { HoldsBack = true };
        await using var clause = EchoClauseBench.Started(Features, device);
        var writes = clause.Echo();
        for (var i = 0; i < 2; i++)
        {
            clause.Ring.Write(clause.Packed.DescriptorAddress(i), new byte[14]); // the device has it
        }

        device.Answer(device.Held[0]);
        device.Queues[0].Flush();
        device.HoldsBack = false;
        clause.ExpectAndRecover(Live, Used, writes);
    }

    [Fact]
    public async Task Spec_2_8_16_b_ChangesAfterAvail()
    {
        var device = new EchoDevice(8, 8) { IsIdle = true };
        await using var clause = EchoClauseBench.Started(Features, device);
        var writes = clause.Echo(); // available, not taken
        var other = clause.Buffers()[1].Address;
        clause.Ring.Write(clause.Packed.DescriptorAddress(1), BitConverter.GetBytes(other));
        device.IsIdle = false;
        clause.Bench.Notify();
        clause.ExpectAndRecover(Live, Used, [.. writes[..^1], (other, 4)]); // whatever stood there when it was read
    }

    [Theory]
    [InlineData(0xFFFF_0000)]
    [InlineData(0x7FFF_0000)]
    [InlineData(0x0005_0000)]
    public async Task Spec_2_8_16_c_WrongNextOffsetAndWrap(uint notification)
    {
        await using var clause = EchoClauseBench.Started(Features | VirtioFeature.NotificationData.Mask());
        var buffers = clause.Buffers();
        var used = clause.NextUsed();
        clause.Ring.Add(buffers);
        clause.Bench.Write(VirtioMmioRegister.QueueNotify, notification);
        clause.Bench.Run();
        clause.ExpectAndRecover(Live, Used, [.. used, clause.Suppression(), (buffers[1].Address, 4)]); // a hint, and not believed
    }

    [Fact]
    public async Task Spec_2_8_17_a_ListLongerThanAllowed()
    {
        await using var clause = EchoClauseBench.Started(Features);
        clause.MakeAvailable(clause.Bench.Allocate(16 * 9), 16 * 9, Indirect); // nine empty ones, in a queue of eight
        clause.ExpectBrokenRing(QueueFault.ChainTooLong);
    }

    [Fact]
    public async Task Spec_2_8_17_b_ListLongerThanTheQueue()
    {
        await using var clause = EchoClauseBench.Started(Features);
        var buffer = clause.Buffers()[0].Address;
        for (var i = 0; i < 8; i++)
        {
            clause.Ring.WriteDescriptor(clause.Packed.DescriptorAddress(i), buffer, 1, 0, PackedRingDriver.AvailableFlags(true, Next));
        }

        clause.ExpectBrokenRing(QueueFault.ChainNotAvailable); // round once, and the ninth is not there
    }

    [Fact]
    public async Task Spec_2_8_17_c_ReadableAfterWritable()
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
    public async Task Spec_2_8_17_d_ExpectsOneUsedForEach()
    {
        await using var clause = EchoClauseBench.Started(Features);
        var buffers = clause.Buffers();
        clause.Ring.Add([buffers[0], buffers[1] with { LengthBytes = 2 }, buffers[1] with { Address = buffers[1].Address + 2, LengthBytes = 2 }]);
        clause.Bench.Notify();
        clause.ExpectAndRecover(
            Live, Used, (clause.Packed.DescriptorAddress(0) + 8, 8), clause.Suppression(), (buffers[1].Address, 4)); // one for the three
    }

    [Fact]
    public async Task Spec_2_8_17_e_NoRoomForTheList()
    {
        var device = new EchoDevice(8, 8) { HoldsBack = true };
        await using var clause = EchoClauseBench.Started(Features, device);
        var buffer = clause.Buffers()[0];
        clause.Ring.Add([.. Enumerable.Repeat(buffer, 7)]);
        clause.Bench.Notify();
        clause.Watch();
        clause.Ring.WriteDescriptor(clause.Packed.DescriptorAddress(7), buffer.Address, 4, 7, PackedRingDriver.AvailableFlags(true, Next));
        clause.Ring.WriteDescriptor(clause.Packed.DescriptorAddress(0), buffer.Address, 4, 7, PackedRingDriver.AvailableFlags(false, 0));
        device.HoldsBack = false;
        clause.ExpectBrokenRing(QueueFault.RingOverrun);
    }

    [Fact]
    public async Task Spec_2_8_17_f_HeadBeforeTheRest()
    {
        await using var clause = EchoClauseBench.Started(Features);
        clause.MakeAvailable(clause.Buffers()[0].Address, 4, Next);
        clause.ExpectBrokenRing(QueueFault.ChainNotAvailable);
    }

    [Fact]
    public async Task Spec_2_8_19_a_IndirectNotNegotiated()
    {
        await using var clause = EchoClauseBench.Started(FeatureSets.Packed);
        clause.Ring.Add(clause.Buffers(), clause.Bench.Allocate(32));
        clause.ExpectBrokenRing(QueueFault.IndirectNotNegotiated);
    }

    [Fact]
    public async Task Spec_2_8_19_b_OtherFlagsInATable()
    {
        await using var clause = EchoClauseBench.Started(Features);
        var buffers = clause.Buffers();
        var table = clause.Bench.Allocate(32);
        clause.Ring.WriteDescriptor(table, buffers[0].Address, 4, 9, 0xFFFD);
        clause.Ring.WriteDescriptor(table + 16, buffers[1].Address, 4, 9, 0xFFFF);
        var used = clause.NextUsed();
        clause.MakeAvailable(table, 32, Indirect);
        clause.Bench.Notify();
        clause.ExpectAndRecover(Live, Used, [.. used, clause.Suppression(), (buffers[1].Address, 4)]); // only WRITE counts
    }

    [Theory]
    [InlineData(16u * 9, QueueFault.ChainTooLong)]
    [InlineData(16u * 32769, QueueFault.IndirectTableSize)]
    [InlineData(0xFFFF_FFF0, QueueFault.IndirectTableSize)]
    public async Task Spec_2_8_19_c_TableLongerThanAllowed(uint lengthBytes, QueueFault fault)
    {
        await using var clause = EchoClauseBench.Started(Features);
        clause.MakeAvailable(clause.Bench.Allocate(4096), lengthBytes, Indirect);
        clause.ExpectBrokenRing(fault);
    }

    [Fact]
    public async Task Spec_2_8_19_d_IndirectInAList()
    {
        await using var clause = EchoClauseBench.Started(Features);
        var buffers = clause.Buffers();
        clause.Ring.Add(buffers);
        clause.Ring.WriteDescriptor(
            clause.Packed.DescriptorAddress(1), clause.Bench.Allocate(32), 16, 0, PackedRingDriver.AvailableFlags(true, Indirect | Write));
        clause.ExpectBrokenRing(QueueFault.IndirectNested);
    }

    [Fact]
    public async Task Spec_2_8_21_1_1_a_NoBarrierBeforeFlags()
    {
        // What such a driver gets on a weak machine: the flags are seen, the rest is still empty.
        await using var clause = EchoClauseBench.Started(Features);
        var used = clause.NextUsed();
        clause.Ring.Write16(clause.Packed.DescriptorAddress(0) + 14, PackedRingDriver.AvailableFlags(true, 0));
        clause.Bench.Notify();
        clause.ExpectAndRecover(Live, Used, [.. used, clause.Suppression()]);
    }

    /// <summary>A queue whose parts are moved by so much is not enabled, and the device wants a reset.</summary>
    internal static void ExpectUnusable(EchoClauseBench clause, ulong descriptors, ulong driver, ulong device)
    {
        clause.Bench.Negotiate(clause.Features);
        clause.Watch();
        clause.Bench.EnableQueue(new()
        {
            Size = 8,
            DescriptorAddress = clause.Bench.Allocate(4096) + descriptors,
            DriverAddress = clause.Bench.Allocate(4096) + driver,
            DeviceAddress = clause.Bench.Allocate(4096) + device,
        });
        Assert.Equal(0u, clause.Bench.Read(VirtioMmioRegister.QueueReady));
        clause.ExpectAndRecover((DeviceStatus)0x4B, None);
    }
}
