using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Transport;
using Eider.Testing.Virtio;
using static Eider.Devices.Tests.Virtio.Clauses.ClauseBench;

namespace Eider.Devices.Tests.Virtio.Clauses;

/// <summary>Device requirements of virtio 1.3, section 4.2.2.1.</summary>
public sealed class MmioDeviceClauseTests
{
    public static TheoryData<ulong> Layouts => FeatureSets.Layouts;

    public static TheoryData<ulong> Resettable =>
        [.. new[] { FeatureSets.Split, FeatureSets.Packed }.Select(layout => layout | VirtioFeature.RingReset.Mask())];

    [Fact]
    public async Task Spec_4_2_2_1_a_MagicValue()
    {
        await using var clause = new EchoClauseBench(FeatureSets.Split);
        foreach (var status in new uint[] { 0, 1, 3, 0x83 })
        {
            clause.Bench.Write(VirtioMmioRegister.Status, status);
            Assert.Equal(0x74726976u, clause.Bench.Read(VirtioMmioRegister.MagicValue));
        }

        clause.Recover();
        Assert.Equal(0x74726976u, clause.Bench.Read(VirtioMmioRegister.MagicValue));
    }

    [Fact]
    public async Task Spec_4_2_2_1_b_VersionIsTwo()
    {
        await using var clause = new EchoClauseBench(FeatureSets.Split);
        Assert.Equal(2u, clause.Bench.Read(VirtioMmioRegister.Version));
        clause.Recover();
        Assert.Equal(2u, clause.Bench.Read(VirtioMmioRegister.Version));
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_2_1_c_EventBitStandsUntilAcknowledged(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        clause.Echo();
        clause.Device.Host.ConfigChanged();
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(Used | Config, clause.Bench.Read(VirtioMmioRegister.InterruptStatus));
        }

        clause.Bench.Write(VirtioMmioRegister.InterruptAck, Used);
        Assert.Equal((Config, true), (clause.Bench.Read(VirtioMmioRegister.InterruptStatus), clause.Bench.Line.Level));
        clause.Bench.Write(VirtioMmioRegister.InterruptAck, Config);
        Assert.Equal((None, false), (clause.Bench.Read(VirtioMmioRegister.InterruptStatus), clause.Bench.Line.Level));
        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_2_1_d_NoBitWithoutItsEvent(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        Assert.Equal(None, clause.Bench.Acknowledge());
        clause.Echo();
        Assert.Equal(Used, clause.Bench.Acknowledge());
        clause.Device.Host.ConfigChanged();
        Assert.Equal(Config, clause.Bench.Acknowledge());
        Assert.Equal(None, clause.Bench.Acknowledge());
        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_2_1_e_ResetClearsInterruptsAndQueueReady(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features, queues: 2);
        clause.Echo();
        clause.Device.Host.ConfigChanged();
        Assert.Equal([1u, 1u], QueuesReady(clause));
        clause.Bench.Write(VirtioMmioRegister.Status, 0);
        Assert.Equal([0u, 0u], QueuesReady(clause));
        Assert.Equal((None, false), (clause.Bench.Read(VirtioMmioRegister.InterruptStatus), clause.Bench.Line.Level));
        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_2_1_f_GenerationMovesWhenAReadMayTear(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        var quiet = Generation(clause);
        Assert.Equal(quiet, Generation(clause));
        var inside = 0u;
        clause.Device.Host.ConfigChanged(() => inside = Generation(clause));
        Assert.Equal(3, new HashSet<uint> { quiet, inside, Generation(clause) }.Count);
        clause.ExpectAndRecover(Live, Config);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_4_2_2_1_g_NoQueueAccessWhenNotReady(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        clause.Bench.Write(VirtioMmioRegister.QueueReady, 0);
        clause.Ring.Add(clause.Buffers());
        clause.Watch();
        var accesses = clause.Memory.Accesses;
        clause.Bench.Notify();
        clause.Device.Host.Wake(0);
        clause.Bench.Run();
        Assert.Equal(accesses, clause.Memory.Accesses);
        clause.ExpectAndRecover(Live, None);
    }

    [Theory]
    [MemberData(nameof(Resettable))]
    public async Task Spec_4_2_2_1_h_QueueResetIsZeroAfterReset(ulong features)
    {
        await using var clause = StartResetting(features);
        var reset = clause.Bench.BeginWrite(VirtioMmioRegister.Status, 0).Pending!;
        clause.Bench.Run();
        clause.Device.Queues[0].PostCompletion(clause.Device.Held[0], 0);
        clause.Bench.Run();
        Assert.True(reset.IsCompleted);
        clause.Bench.Write(VirtioMmioRegister.QueueSel, 0);
        Assert.Equal(0u, clause.Bench.Read(VirtioMmioRegister.QueueReset));
        clause.Device.HoldsBack = false;
        clause.Recover();
        Assert.Equal(0u, clause.Bench.Read(VirtioMmioRegister.QueueReset));
    }

    [Theory]
    [MemberData(nameof(Resettable))]
    public async Task Spec_4_2_2_1_i_QueueResetIsZeroOnceEnabled(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        Assert.Equal((1u, 0u), (QueuesReady(clause)[0], QueueReset(clause)));
        clause.Bench.Write(VirtioMmioRegister.QueueReset, 1);
        clause.Bench.Run();
        clause.Bench.SetUpQueue(0, 8, features);
        Assert.Equal((1u, 0u), (QueuesReady(clause)[0], QueueReset(clause)));
        clause.ExpectTolerated();
    }

    [Theory]
    [MemberData(nameof(Resettable))]
    public async Task Spec_4_2_2_1_j_WritingOneResetsTheQueue(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        clause.Bench.Write(VirtioMmioRegister.QueueReset, 0); // nothing
        clause.Bench.Run();
        Assert.Equal(1u, QueuesReady(clause)[0]);
        clause.Bench.Write(VirtioMmioRegister.QueueSel, 0);
        clause.Bench.Write(VirtioMmioRegister.QueueReset, 1);
        clause.Bench.Run();
        Assert.Equal(0u, QueuesReady(clause)[0]);
        clause.Watch();
        clause.Echo();
        clause.ExpectAndRecover(Live, None);
    }

    [Theory]
    [MemberData(nameof(Resettable))]
    public async Task Spec_4_2_2_1_k_QueueResetIsOneWhileItGoesOn(ulong features)
    {
        await using var clause = StartResetting(features);
        for (var i = 0; i < 3; i++)
        {
            clause.Bench.Run();
            Assert.Equal(1u, QueueReset(clause));
        }

        clause.Device.Queues[0].PostCompletion(clause.Device.Held[0], 0);
        clause.Bench.Run();
        Assert.Equal(0u, QueueReset(clause));
        clause.Device.HoldsBack = false;
        clause.ExpectAndRecover(Live, None);
    }

    [Theory]
    [MemberData(nameof(Resettable))]
    public async Task Spec_4_2_2_1_l_BothAreZeroWhenDone(ulong features)
    {
        await using var clause = StartResetting(features);
        clause.Device.Queues[0].PostCompletion(clause.Device.Held[0], 4);
        clause.Bench.Run();
        Assert.Equal((0u, 0u), (QueueReset(clause), QueuesReady(clause)[0]));
        clause.Device.HoldsBack = false;
        clause.ExpectAndRecover(Live, None); // and the request of the old ring is not used
    }

    private static EchoClauseBench StartResetting(ulong features)
    {
        var clause = EchoClauseBench.Started(features, new EchoDevice(8, 8) { HoldsBack = true });
        clause.Echo();
        clause.Device.Held[0].MarkPending();
        clause.Watch();
        clause.Bench.Write(VirtioMmioRegister.QueueReset, 1);
        return clause;
    }

    private static uint QueueReset(EchoClauseBench clause)
    {
        clause.Bench.Write(VirtioMmioRegister.QueueSel, 0);
        return clause.Bench.Read(VirtioMmioRegister.QueueReset);
    }

    private static uint Generation(EchoClauseBench clause) => clause.Bench.Read(VirtioMmioRegister.ConfigGeneration);

    private static uint[] QueuesReady(EchoClauseBench clause) =>
    [
        .. Enumerable.Range(0, 2).Select(queue =>
        {
            clause.Bench.Write(VirtioMmioRegister.QueueSel, (uint)queue);
            return clause.Bench.Read(VirtioMmioRegister.QueueReady);
        }),
    ];
}
