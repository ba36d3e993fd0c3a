using Eider.Devices.Tests.Virtio.Block;
using Eider.Devices.Virtio.Block;
using Eider.Devices.Virtio.Transport;
using static Eider.Devices.Virtio.Block.BlockRequestStatus;
using static Eider.Devices.Virtio.Block.BlockRequestType;

namespace Eider.Devices.Tests.Virtio.Clauses;

/// <summary>Device requirements of virtio 1.3, sections 5.2.5.2 and 5.2.6.2, without zones.</summary>
public sealed class BlockDeviceClauseTests
{
    private const VirtioMmioRegister Writeback = VirtioMmioRegister.Config + 32;

    public static TheoryData<ulong> Layouts => FeatureSets.Layouts;

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_5_2_a_FlushIsOfferedWithConfigWce(ulong features)
    {
        var both = BlockClauseBench.Mask(BlockFeature.Flush) | BlockClauseBench.Mask(BlockFeature.ConfigWriteCacheEnable);
        await using var clause = BlockClauseBench.Started(features);
        Assert.Equal(both, clause.Bench.ReadOfferedFeatures() & both);
        await using var without = BlockClauseBench.Started(features, device => device with { HiddenFeatures = [BlockFeature.Flush] });
        Assert.Equal(0UL, without.Bench.ReadOfferedFeatures() & both);
        without.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_5_2_b_WritebackStartsAsZeroWithoutFlush(ulong features)
    {
        await using var clause = BlockClauseBench.Started(features, refused: BlockClauseBench.Mask(BlockFeature.Flush));
        Assert.Equal(0u, clause.Bench.Read(Writeback) & 0xFF);
        clause.Recover();
        Assert.Equal(0u, clause.Bench.Read(Writeback) & 0xFF);
        await using var with = BlockClauseBench.Started(features);
        Assert.Equal(1u, with.Bench.Read(Writeback) & 0xFF);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_5_2_c_PaddingIsZero(ulong features)
    {
        await using var clause = BlockClauseBench.Started(features, device => device with { SecureErase = true, Queues = 3 });
        Assert.Equal(0x0003_0001u, clause.Bench.Read(Writeback)); // writeback, unused0, num_queues
        Assert.Equal(0x0000_0001u, clause.Bench.Read(VirtioMmioRegister.Config + 0x38)); // write_zeroes_may_unmap, unused1
        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_2_a_ReadOnlyWriteIsIoError(ulong features)
    {
        foreach (var refused in new[] { 0UL, BlockClauseBench.Mask(BlockFeature.ReadOnly) })
        {
            await using var clause = BlockClauseBench.Started(features, device => device with { ReadOnly = true }, refused);
            clause.ExpectRefused(IoError, Out, 0, new byte[512]);
            clause.ExpectRefused(IoError, Out, 64, new byte[512]);
            clause.Recover();
        }

        await using var writable = BlockClauseBench.Started(features);
        writable.Do(Out, 0, new byte[512]).Expect(Ok);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_2_b_ReadOnlyWriteWritesNothing(ulong features)
    {
        await using var clause = BlockClauseBench.Started(features, device => device with { ReadOnly = true, SecureErase = true });
        clause.Storage.Content.AsSpan().Fill(7);
        clause.ExpectRefused(IoError, Out, 0, new byte[1024]);
        foreach (var type in new[] { Discard, WriteZeroes, SecureErase })
        {
            clause.ExpectRefused(Unsupported, type, 0, BlockBench.Ranges((0, 1, 0)));
        }

        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_2_c_UnknownRangeFlagIsUnsupported(ulong features)
    {
        await using var clause = BlockClauseBench.Started(features, device => device with { SecureErase = true });
        foreach (var type in new[] { Discard, WriteZeroes, SecureErase })
        {
            for (var bit = 1; bit < 32; bit++)
            {
                clause.ExpectRefused(Unsupported, type, 0, BlockBench.Ranges((0, 1, 0), (4, 1, 1u << bit)));
            }

            clause.Do(type, 0, BlockBench.Ranges((0, 1, 0), (4, 1, 0))).Expect(Ok);
        }

        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_2_d_DiscardWithUnmapIsUnsupported(ulong features)
    {
        await using var clause = BlockClauseBench.Started(features);
        clause.ExpectRefused(Unsupported, Discard, 0, BlockBench.Ranges((0, 1, 1)));
        clause.Do(WriteZeroes, 0, BlockBench.Ranges((0, 1, 1))).Expect(Ok); // there it is known
        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_2_e_ZeroesAfterWriteZeroes(ulong features)
    {
        await using var clause = BlockClauseBench.Started(features);
        foreach (var unmap in new[] { 0u, 1u })
        {
            clause.Storage.Content.AsSpan().Fill(0xA5);
            clause.Do(WriteZeroes, 0, BlockBench.Ranges((3, 2, unmap))).Expect(Ok);
            var read = clause.Do(In, 2, inputBytes: 4 * 512);
            read.Expect(Ok, 4 * 512);
            var expected = Enumerable.Repeat((byte)0xA5, 4 * 512).ToArray();
            expected.AsSpan(512, 1024).Clear();
            Assert.Equal(expected, read.Data(4 * 512));
        }

        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_2_f_StableWriteIsCommittedFirst(ulong features)
    {
        var (flush, wce) = (BlockClauseBench.Mask(BlockFeature.Flush), BlockClauseBench.Mask(BlockFeature.ConfigWriteCacheEnable));
        await using (var neither = BlockClauseBench.Started(features, refused: flush | wce))
        {
            ExpectCommit(neither, Out); // case 1
        }

        await using (var writethrough = BlockClauseBench.Started(features))
        {
            writethrough.Bench.Mmio.Write(0, 0x120, [0]);
            ExpectCommit(writethrough, Out); // case 2
        }

        await using var writeback = BlockClauseBench.Started(features, refused: wce);
        writeback.Do(Out, 1, new byte[512]).Expect(Ok); // volatile
        Assert.Equal(["Write 1+1"], writeback.Storage.Log!);
        writeback.Storage.Holds = true;
        var request = writeback.Do(Flush, 0);
        Assert.False(writeback.Bench.Line.Level);
        writeback.Storage.ReleaseAll();
        writeback.Bench.Run();
        request.Expect(Ok); // case 3
        Assert.Equal(["Write 1+1", "Flush"], writeback.Storage.Log!);
        writeback.Storage.Holds = false;
        writeback.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_2_g_NoLifetimeWithoutMetrics(ulong features)
    {
        var bit = BlockClauseBench.Mask(BlockFeature.Lifetime);
        await using var without = BlockClauseBench.Started(features);
        Assert.Equal(0UL, without.Bench.ReadOfferedFeatures() & bit);
        without.ExpectRefused(Unsupported, GetLifetime, 0, inputBytes: 6);
        without.Recover();
        await using var with = BlockClauseBench.Started(features, device => device with { Lifetime = () => new(1, 2, 3) });
        Assert.Equal(bit, with.Bench.ReadOfferedFeatures() & bit);
        with.Do(GetLifetime, 0, inputBytes: 6).Expect(Ok, 6);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_2_h_NoReservedLifetimeValues(ulong features)
    {
        foreach (var (metrics, expected) in new[]
        {
            (new BlockLifetime(1, 2, 3), "010002000300"), (new BlockLifetime(3, 11, 0), "03000B000000"),
            (new BlockLifetime(4, 12, 11), "000000000B00"), (new BlockLifetime(65535, 65535, 65535), "000000000000"),
        })
        {
            await using var clause = BlockClauseBench.Started(features, device => device with { Lifetime = () => metrics });
            var request = clause.Do(GetLifetime, 0, inputBytes: 6);
            request.Expect(Ok, 6);
            Assert.Equal(expected, Convert.ToHexString(request.Data(6)));
            clause.Recover();
        }
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_2_6_2_i_ZoneRequestsAreUnsupported(ulong features)
    {
        await using var clause = BlockClauseBench.Started(features);
        foreach (var type in new[] { 15, 16, 18, 20, 22, 24, 26 })
        {
            clause.ExpectRefused(Unsupported, (BlockRequestType)type, 0);
            clause.ExpectRefused(Unsupported, (BlockRequestType)type, 0, new byte[512]);
            clause.ExpectRefused(Unsupported, (BlockRequestType)type, 0, inputBytes: 512);
        }

        clause.Recover();
    }

    private static void ExpectCommit(BlockClauseBench clause, BlockRequestType type)
    {
        clause.Storage.Holds = true;
        var request = clause.Do(type, 1, new byte[512]);
        clause.Storage.Release(0); // the data is there
        clause.Bench.Run();
        Assert.False(clause.Bench.Line.Level);
        clause.Storage.Release(0); // and committed
        clause.Bench.Run();
        request.Expect(Ok);
        Assert.Equal(["Write 1+1", "Flush"], clause.Storage.Log!);
        clause.Storage.Holds = false;
        clause.Recover();
    }
}
