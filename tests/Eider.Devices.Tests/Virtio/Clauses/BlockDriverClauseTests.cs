using Eider.Devices.Tests.Virtio.Block;
using Eider.Devices.Virtio.Block;
using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Bus;
using static Eider.Devices.Tests.Virtio.Clauses.ClauseBench;
using static Eider.Devices.Virtio.Block.BlockRequestStatus;
using static Eider.Devices.Virtio.Block.BlockRequestType;

namespace Eider.Devices.Tests.Virtio.Clauses;

/// <summary>Drivers that break the rules of virtio 1.3, sections 5.2.5.1 and 5.2.6.1; those of zones too, on a disk that has none.</summary>
public sealed class BlockDriverClauseTests
{
    private const ulong Zoned = 1UL << 17;
    private const BlockRequestType ZoneAppend = (BlockRequestType)15, ZoneReport = (BlockRequestType)16, ZoneResetAll = (BlockRequestType)26;

    private static readonly BlockRequestType[] OneZone = [(BlockRequestType)18, (BlockRequestType)20, (BlockRequestType)22, (BlockRequestType)24];
    private static readonly BlockRequestType[] Lists = [Discard, WriteZeroes, SecureErase];

    public static TheoryData<ulong> Layouts => FeatureSets.Layouts;

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_5_1_a_ReadsWritebackEarly(ulong features)
    {
        await using var clause = new BlockClauseBench(features, refused: BlockClauseBench.Mask(BlockFeature.Flush));
        var early = new byte[1];
        Assert.Equal(BusStatus.Ok, clause.Bench.Mmio.Read(0, 0x120, early).Status);
        clause.Watch();
        clause.ExpectAndRecover(DeviceStatus.None, None);
        Assert.Equal((1, 0u), (early[0], clause.Bench.Read(VirtioMmioRegister.Config + 32) & 0xFF)); // what it read did not last
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_5_1_b_NegotiatesZoned(ulong features) => await ExpectNoZonesAsync(features, Zoned);

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_5_1_c_DiscardWithZoned(ulong features) =>
        await ExpectNoZonesAsync(features, Zoned | BlockClauseBench.Mask(BlockFeature.Discard));

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_5_1_d_FeaturesOkWithZoned(ulong features)
    {
        await using var clause = new BlockClauseBench(features);
        Assert.False(clause.Bench.Negotiate(clause.Features | Zoned));
        clause.Watch();
        clause.Bench.Write(VirtioMmioRegister.Status, 15); // and on it goes
        clause.ExpectAndRecover(Refused | DeviceStatus.NeedsReset, None);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_1_a_BeyondTheCapacity(ulong features)
    {
        await using var clause = Start(features);
        foreach (var sector in new[] { 63UL, 64UL, 65UL, 1UL << 32, (1UL << 55) - 1, 1UL << 55, 1UL << 63, ulong.MaxValue })
        {
            clause.ExpectRefused(IoError, In, sector, inputBytes: 1024);
            clause.ExpectRefused(IoError, Out, sector, new byte[1024]);
            foreach (var type in Lists)
            {
                clause.ExpectRefused(IoError, type, 0, BlockBench.Ranges((0, 1, 0), (sector, 2, 0)));
            }
        }

        clause.Do(In, 62, inputBytes: 1024).Expect(Ok, 1024);
        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_1_b_FlushWithASector(ulong features)
    {
        await using var clause = Start(features);
        foreach (var sector in new[] { 1UL, 64UL, ulong.MaxValue })
        {
            clause.Do(Flush, sector).Expect(Ok);
        }

        Assert.Equal(["Flush", "Flush", "Flush"], clause.Storage.Log!);
        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_1_c_LengthIsNoMultipleOf512(ulong features)
    {
        await using var clause = Start(features);
        foreach (var length in new[] { 1, 511, 513, 1023 })
        {
            clause.ExpectRefused(IoError, In, 0, inputBytes: length);
            clause.ExpectRefused(IoError, Out, 0, new byte[length]);
        }

        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_1_d_RangesAreNotWhole(ulong features)
    {
        await using var clause = Start(features);
        foreach (var type in Lists)
        {
            clause.ExpectRefused(IoError, type, 0);
            foreach (var length in new[] { 1, 15, 17, 31 })
            {
                clause.ExpectRefused(IoError, type, 0, new byte[length]);
            }
        }

        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_1_e_GetIdIsNot20Bytes(ulong features)
    {
        await using var clause = Start(features);
        clause.ExpectRefused(IoError, GetId, 0);
        clause.ExpectRefused(IoError, GetId, 0, inputBytes: 19);
        clause.Do(GetId, 0, inputBytes: 512).Expect(Ok, 20); // the rest is as it was
        clause.Do(GetId, 0, inputBytes: 20).Expect(Ok, 20);
        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_1_f_TooManyDiscardRanges(ulong features) => await ExpectLimitAsync(features, Discard, 0x28, 64);

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_1_g_TooManySecureEraseRanges(ulong features) => await ExpectLimitAsync(features, SecureErase, 0x40, 8);

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_1_h_TooManyWriteZeroesRanges(ulong features) => await ExpectLimitAsync(features, WriteZeroes, 0x34, 64);

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_1_i_TakesWritebackZeroForAFlush(ulong features)
    {
        await using var clause = Start(features);
        clause.Do(Out, 1, new byte[512]).Expect(Ok); // volatile
        clause.Watch();
        Assert.Equal(BusStatus.Ok, clause.Bench.Mmio.Write(0, 0x120, [0]).Status);
        clause.Bench.Run();
        Assert.Equal(["Write 1+1"], clause.Storage.Log!); // and volatile it stays
        clause.ExpectAndRecover(Live, None);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_1_j_DiscardWithUnmap(ulong features)
    {
        await using var clause = Start(features);
        clause.ExpectRefused(Unsupported, Discard, 0, BlockBench.Ranges((0, 1, 0), (8, 1, 1)));
        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_1_k_ReliesOnDiscardedData(ulong features)
    {
        await using var clause = Start(features);
        clause.Do(Discard, 0, BlockBench.Ranges((0, 8, 0))).Expect(Ok);
        clause.Do(In, 0, inputBytes: 8 * 512).Expect(Ok, 8 * 512); // something, and no error
        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_1_l_ReliesOnPartsOfAFailedList(ulong features)
    {
        await using var clause = Start(features);
        var done = 0;
        clause.Storage.Failure = _ => ++done == 2 ? new IOException("gone") : null;
        clause.Do(WriteZeroes, 0, BlockBench.Ranges((0, 1, 0), (2, 1, 0), (4, 1, 0))).Expect(IoError);
        Assert.Equal(["WriteZeroes 0+1"], clause.Storage.Log!); // a part of it
        clause.Storage.Failure = null;
        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_1_m_ZoneSectorIsUnaligned(ulong features) => await ExpectZonesUnsupportedAsync(features, OneZone, [1, 7, ulong.MaxValue]);

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_1_n_ZoneReportOutOfRange(ulong features)
    {
        await using var clause = Start(features);
        clause.ExpectRefused(Unsupported, ZoneReport, 64, inputBytes: 4096);
        clause.ExpectRefused(Unsupported, ZoneReport, ulong.MaxValue, inputBytes: 64);
        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_1_o_ZoneCommandsInsideAZone(ulong features) => await ExpectZonesUnsupportedAsync(features, OneZone, [0, 3, 63, 64]);

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_1_p_ZoneResetAllWithASector(ulong features) => await ExpectZonesUnsupportedAsync(features, [ZoneResetAll], [0, 1, 64]);

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_1_q_ZoneAppendNotAtAZone(ulong features) => await ExpectAppendUnsupportedAsync(features, 3, 512);

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_1_r_ZoneAppendGranularity(ulong features) => await ExpectAppendUnsupportedAsync(features, 0, 511);

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_1_s_ZoneAppendTooLarge(ulong features) => await ExpectAppendUnsupportedAsync(features, 0, 1 << 20);

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_1_t_ZoneOutElsewhere(ulong features)
    {
        await using var clause = Start(features);
        clause.Do(Out, 5, new byte[512]).Expect(Ok); // a disk without zones has no write pointer
        clause.Do(Out, 2, new byte[512]).Expect(Ok);
        Assert.Equal(["Write 5+1", "Write 2+1"], clause.Storage.Log!);
        clause.Recover();
    }

    private static BlockClauseBench Start(ulong features) => BlockClauseBench.Started(features, device => device with { SecureErase = true });

    private static async Task ExpectNoZonesAsync(ulong features, ulong wrong)
    {
        await using var clause = new BlockClauseBench(features);
        Assert.Equal(0UL, clause.Bench.ReadOfferedFeatures() & Zoned);
        Assert.False(clause.Bench.Negotiate(clause.Features | wrong));
        clause.Watch();
        clause.ExpectAndRecover(Refused, None);
    }

    private static async Task ExpectLimitAsync(ulong features, BlockRequestType type, int configOffset, int limit)
    {
        await using var clause = Start(features);
        Assert.Equal((uint)limit, clause.Bench.Read(VirtioMmioRegister.Config + configOffset));
        clause.ExpectRefused(IoError, type, 0, BlockBench.Ranges([.. Enumerable.Repeat((0UL, 1u, 0u), limit + 1)]));
        clause.ExpectRefused(IoError, type, 0, BlockBench.Ranges([.. Enumerable.Repeat((0UL, 1u, 0u), 4096)]));
        clause.Do(type, 0, BlockBench.Ranges([.. Enumerable.Repeat((0UL, 1u, 0u), limit)])).Expect(Ok);
        clause.Recover();
    }

    private static async Task ExpectZonesUnsupportedAsync(ulong features, BlockRequestType[] types, ulong[] sectors)
    {
        await using var clause = Start(features);
        foreach (var type in types)
        {
            foreach (var sector in sectors)
            {
                clause.ExpectRefused(Unsupported, type, sector);
            }
        }

        clause.Recover();
    }

    private static async Task ExpectAppendUnsupportedAsync(ulong features, ulong sector, int lengthBytes)
    {
        await using var clause = Start(features);
        clause.ExpectRefused(Unsupported, ZoneAppend, sector, new byte[lengthBytes]);
        clause.ExpectRefused(Unsupported, ZoneAppend, sector, new byte[lengthBytes], inputBytes: 8); // room for append_sector
        clause.Recover();
    }
}
