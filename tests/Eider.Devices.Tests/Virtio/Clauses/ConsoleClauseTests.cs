using Eider.Devices.Virtio.Console;
using Eider.Devices.Virtio.Transport;
using static Eider.Devices.Tests.Virtio.Clauses.ClauseBench;
using static Eider.Devices.Virtio.Console.ConsoleControlEvent;

namespace Eider.Devices.Tests.Virtio.Clauses;

/// <summary>Requirements and rules of virtio 1.3, section 5.3.</summary>
public sealed class ConsoleClauseTests
{
    public static TheoryData<ulong> Layouts => FeatureSets.Layouts;

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_3_5_1_a_EmergencyWriteNeedsNoDriver(ulong features)
    {
        await using var clause = new ConsoleClauseBench(features);
        var bytes = new byte[8];
        foreach (var status in new uint[] { 0, 1, 3, 0x83 })
        {
            clause.Bench.Write(VirtioMmioRegister.Status, status);
            clause.Watch();
            clause.Bench.Write(VirtioMmioRegister.Config + 8, 0xFFFF_FF00 | 'p');
            Assert.Equal("p"u8, bytes.AsSpan(0, clause.End.Receive(bytes)));
            clause.Expect((DeviceStatus)status, None);
        }

        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_3_6_2_1_a_NoPortIsAddedTwiceOrPastTheLast(ulong features)
    {
        await using var clause = ConsoleClauseBench.Started(features);
        clause.Tell(0, DeviceReady, 1);
        var added = clause.Hear();
        while (clause.Device.AddPort(new ConsolePort("more", new ConsoleEndpoint())) >= 0)
        {
            added.AddRange(clause.Hear());
        }

        clause.Tell(0, DeviceReady, 1); // once more: nothing new
        added.AddRange(clause.Hear());
        Assert.Equal([(0u, DeviceAdd), (1u, DeviceAdd), (2u, DeviceAdd), (3u, DeviceAdd)], added);
        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_3_6_2_1_b_NoPortIsRemovedThatWasNotAdded(ulong features)
    {
        await using var clause = ConsoleClauseBench.Started(features);
        clause.Tell(0, DeviceReady, 1);
        Assert.Equal([(0u, DeviceAdd)], clause.Hear());
        Assert.False(clause.Device.RemovePort(2));
        Assert.Equal(1, clause.Device.AddPort(new ConsolePort("more", new ConsoleEndpoint())));
        Assert.Equal([(1u, DeviceAdd)], clause.Hear());
        Assert.True(clause.Device.RemovePort(1));
        Assert.False(clause.Device.RemovePort(1));
        Assert.Equal([(1u, DeviceRemove)], clause.Hear());
        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_3_6_1_a_ReadableInReceiveQueue(ulong features)
    {
        await using var clause = ConsoleClauseBench.Started(features);
        clause.Tell(0, DeviceReady, 1);
        clause.Hear();
        clause.Tell(0, PortReady, 1);
        clause.Tell(0, PortOpen, 1);
        clause.Hear();
        clause.Watch();
        var writes = clause.Give(0, 4, false, "abcd"u8);
        clause.Expect(Live, Used, writes);
        Assert.True(clause.Bench.Rings[0].TryGetUsed(out var used));
        Assert.Equal(0u, used.WrittenBytes); // back, and empty
        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_3_6_1_b_WritableInTransmitQueue(ulong features)
    {
        await using var clause = ConsoleClauseBench.Started(features);
        var writes = clause.Give(1, 4, true, "abcd"u8);
        clause.Expect(Live, Used, writes);
        Assert.True(clause.Bench.Rings[1].TryGetUsed(out var used));
        Assert.Equal(0u, used.WrittenBytes);
        Assert.Equal(0, clause.End.Receive(new byte[8])); // nothing of it went out
        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_3_6_2_2_a_NeverSaysDeviceReady(ulong features)
    {
        await using var clause = ConsoleClauseBench.Started(features);
        clause.Give(ConsoleClauseBench.ControlReceive, 64, true);
        clause.Device.AddPort(new ConsolePort("more", new ConsoleEndpoint()));
        clause.Bench.Run();
        clause.ExpectAndRecover(Live, None, clause.Suppression(ConsoleClauseBench.ControlReceive)); // told nothing
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_3_6_2_2_b_DoesNotAnswerConsolePort(ulong features)
    {
        await using var clause = ConsoleClauseBench.Started(features);
        clause.Tell(0, DeviceReady, 1);
        clause.Hear();
        clause.Tell(0, PortReady, 1);
        Assert.Contains((0u, ConsoleControlEvent.ConsolePort), clause.Hear());
        clause.End.Send("x"u8);
        clause.Bench.Run();
        clause.Watch();
        clause.Give(0, 8, true);
        clause.ExpectAndRecover(Live, None, clause.Suppression()); // a port that is not open gets nothing
    }

    [Theory]
    [InlineData(FeatureSets.Split, 0, false)]
    [InlineData(FeatureSets.Packed, 0, false)]
    [InlineData(FeatureSets.Split, 2, true)]
    [InlineData(FeatureSets.Packed, 0xFFFF, true)]
    public async Task Spec_5_3_6_2_2_c_PortOpenWithAnotherValue(ulong features, ushort value, bool isOpen)
    {
        await using var clause = ConsoleClauseBench.Started(features);
        clause.Tell(0, DeviceReady, 1);
        clause.Hear();
        clause.Tell(0, PortReady, 1);
        clause.Hear();
        clause.Tell(0, PortOpen, value); // 0 is closed, all else open
        clause.End.Send("x"u8);
        clause.Bench.Run();
        clause.Watch();
        var data = clause.Bench.Allocate(16, 16);
        var writes = clause.Give(0, 8, true);
        clause.ExpectAndRecover(
            Live, isOpen ? Used : None, isOpen ? [.. writes, (data + 16, 1)] : [clause.Suppression()]);
    }
}
