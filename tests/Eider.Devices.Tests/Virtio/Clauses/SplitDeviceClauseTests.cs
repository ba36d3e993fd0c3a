using Eider.Hardware.Memory;
using Eider.Testing.Virtio;
using static Eider.Devices.Tests.Virtio.Clauses.ClauseBench;

namespace Eider.Devices.Tests.Virtio.Clauses;

/// <summary>Device requirements of virtio 1.3, section 2.7; what a packed ring shares is tried on both.</summary>
public sealed class SplitDeviceClauseTests
{
    private const ulong Features = FeatureSets.Split | FeatureSets.Indirect;

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public async Task Spec_2_7_4_1_a_FramingDoesNotMatter(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        foreach (var cuts in new uint[][] { [4], [1, 3], [1, 1, 1, 1], [0, 4, 0], [2, 0, 2] })
        {
            foreach (var isIndirect in new[] { false, true })
            {
                var buffers = clause.Buffers();
                clause.Watch();
                var used = clause.NextUsed();
                clause.Ring.Add([.. Cut(buffers[0], cuts), .. Cut(buffers[1], cuts)], isIndirect ? clause.Bench.Allocate(256) : 0);
                clause.Bench.Notify();
                clause.Expect(Live, Used, [.. used, clause.Suppression(), (buffers[1].Address, 4)]);
                Assert.Equal("bcde"u8, clause.Ring.Read(buffers[1].Address, 4));
                Assert.True(clause.Ring.TryGetUsed(out _));
            }
        }

        clause.Recover();
    }

    [Fact]
    public async Task Spec_2_7_5_1_a_ReadableBuffersAreNotWritten()
    {
        await using var clause = EchoClauseBench.Started(Features);
        var buffers = clause.Buffers();
        var used = clause.NextUsed();
        clause.Ring.Add(buffers);
        clause.Bench.Notify();
        clause.Expect(Live, Used, [.. used, clause.Suppression(), (buffers[1].Address, 4)]);
        Assert.Equal("abcd"u8, clause.Ring.Read(buffers[0].Address, 4));
        clause.Recover();
    }

    [Theory]
    [InlineData(Features)]
    [InlineData(Features | FeatureSets.EventIdx)]
    [InlineData(Features | FeatureSets.InOrder)]
    public async Task Spec_2_7_5_1_b_TheDescriptorTableIsNotWritten(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        for (var i = 0; i < 20; i++)
        {
            clause.Serve();
        }

        var layout = clause.Ring.Layout;
        Assert.DoesNotContain(clause.Memory.Written, address => address - layout.DescriptorAddress < layout.PartSizes.Descriptor);
        Assert.Contains(clause.Memory.Written, address => address - layout.DeviceAddress < layout.PartSizes.Device);
        clause.Recover();
    }

    [Fact]
    public async Task Spec_2_7_5_3_2_a_WriteOnIndirectIsIgnored()
    {
        await using var clause = EchoClauseBench.Started(Features);
        var buffers = clause.Buffers();
        var table = clause.Bench.Allocate(32);
        clause.Ring.WriteDescriptor(table, buffers[0].Address, 4, 1, 1);
        clause.Ring.WriteDescriptor(table + 16, buffers[1].Address, 4, 2, 0);
        var used = clause.NextUsed();
        clause.MakeAvailable(table, 32, 4 | 2);
        clause.Bench.Notify();
        clause.ExpectAndRecover(Live, Used, [.. used, clause.Suppression(), (buffers[1].Address, 4)]);
    }

    [Fact]
    public async Task Spec_2_7_5_3_2_b_DirectDescriptorsBeforeIndirect()
    {
        await using var clause = EchoClauseBench.Started(Features);
        for (var direct = 0; direct <= 3; direct++)
        {
            var buffers = clause.Buffers();
            var before = Enumerable.Range(0, direct).Select(i => buffers[0] with { Address = buffers[0].Address + (ulong)i, LengthBytes = 1 });
            var rest = buffers[0] with { Address = buffers[0].Address + (ulong)direct, LengthBytes = 4 - (uint)direct };
            clause.Watch();
            var used = clause.NextUsed();
            clause.Split.AddMixed([.. before], [rest, buffers[1]], clause.Bench.Allocate(32));
            clause.Bench.Notify();
            clause.Expect(Live, Used, [.. used, clause.Suppression(), (buffers[1].Address, 4)]);
            Assert.Equal("bcde"u8, clause.Ring.Read(buffers[1].Address, 4));
            Assert.True(clause.Ring.TryGetUsed(out _));
        }

        clause.Recover();
    }

    [Theory]
    [InlineData(0, Used)]
    [InlineData(1, None)]
    public async Task Spec_2_7_7_2_a_UsedEventIsIgnoredWithoutEventIdx(ushort flags, uint interrupts)
    {
        await using var clause = EchoClauseBench.Started(Features);
        foreach (var usedEvent in new ushort[] { 0, 1, 2, 3, 0x8000, 0xFFFF })
        {
            clause.Ring.Write16(clause.Ring.Layout.DriverAddress, flags);
            clause.Ring.Write16(clause.Split.UsedEventAddress, usedEvent);
            clause.Watch();
            clause.Expect(Live, interrupts, clause.Echo());
            Assert.True(clause.Ring.TryGetUsed(out _));
        }

        clause.Recover();
    }

    [Fact]
    public async Task Spec_2_7_7_2_b_FlagsZeroNotifies()
    {
        await using var clause = EchoClauseBench.Started(Features);
        for (var i = 0; i < 20; i++)
        {
            clause.Watch();
            clause.Expect(Live, Used, clause.Echo());
            Assert.True(clause.Ring.TryGetUsed(out _));
        }

        clause.Recover();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task Spec_2_7_7_2_c_FlagsAreIgnoredWithEventIdx(ushort flags)
    {
        await using var clause = EchoClauseBench.Started(Features | FeatureSets.EventIdx);
        clause.Ring.Write16(clause.Ring.Layout.DriverAddress, flags);
        clause.Ring.SetMode(DriverMode.AtNextUsed);
        clause.Echo();
        Assert.Equal(Used, clause.Bench.Acknowledge());
        Assert.True(clause.Ring.TryGetUsed(out _));
        clause.Ring.SetMode(DriverMode.Never);
        clause.Echo();
        Assert.Equal(None, clause.Bench.Acknowledge());
        clause.Recover();
    }

    [Fact]
    public async Task Spec_2_7_7_2_d_ReachingUsedEventNotifies()
    {
        for (ushort wanted = 0; wanted < 6; wanted++)
        {
            await using var clause = EchoClauseBench.Started(Features | FeatureSets.EventIdx);
            clause.Ring.Write16(clause.Split.UsedEventAddress, wanted);
            for (var index = 0; index < 6; index++)
            {
                clause.Echo();
                Assert.Equal(index == wanted ? Used : None, clause.Bench.Acknowledge());
                Assert.True(clause.Ring.TryGetUsed(out _));
            }
        }
    }

    [Fact]
    public async Task Spec_2_7_8_2_a_LengthBeforeIndex()
    {
        await using var clause = EchoClauseBench.Started(Features);
        var seen = WhenTheIndexIsStored(clause, () => clause.Ring.Read(clause.Split.UsedRing + 4, 4));
        clause.Echo();
        Assert.Equal([4, 0, 0, 0], Assert.Single(seen));
        clause.Memory.Refuses = null;
        clause.Recover();
    }

    [Fact]
    public async Task Spec_2_7_8_2_b_DataBeforeIndex()
    {
        await using var clause = EchoClauseBench.Started(Features);
        var buffers = clause.Buffers();
        var seen = WhenTheIndexIsStored(clause, () => clause.Ring.Read(buffers[1].Address, 4));
        clause.Ring.Add(buffers);
        clause.Bench.Notify();
        Assert.Equal("bcde"u8.ToArray(), Assert.Single(seen));
        clause.Memory.Refuses = null;
        clause.Recover();
    }

    [Fact]
    public async Task Spec_2_7_10_2_a_FlagsAreZeroOrOne()
    {
        var device = new EchoDevice(8, 8);
        await using var clause = EchoClauseBench.Started(Features, device);
        var flags = new List<ushort>();
        device.OnProcess = () => flags.Add(clause.Ring.Read16(clause.Ring.Layout.DeviceAddress));
        for (var i = 0; i < 20; i++)
        {
            clause.Serve();
            Assert.Equal(0, clause.Ring.Read16(clause.Ring.Layout.DeviceAddress)); // asleep: tell me
        }

        Assert.All(flags, value => Assert.Equal(1, value)); // at work: no need
        clause.Recover();
    }

    [Fact]
    public async Task Spec_2_7_10_2_b_FlagsAreZeroWithEventIdx()
    {
        var device = new EchoDevice(8, 8);
        await using var clause = EchoClauseBench.Started(Features | FeatureSets.EventIdx, device);
        device.OnProcess = () => Assert.Equal(0, clause.Ring.Read16(clause.Ring.Layout.DeviceAddress));
        for (var i = 0; i < 20; i++)
        {
            clause.Serve();
        }

        Assert.DoesNotContain(clause.Ring.Layout.DeviceAddress, clause.Memory.Written);
        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public async Task Spec_2_7_10_2_c_SpuriousKicksAreHarmless(ulong features)
    {
        await using var clause = EchoClauseBench.Started(features);
        for (var i = 0; i < 100; i++)
        {
            clause.Bench.Notify();
            clause.Bench.Notify(1); // not set up at all
        }

        clause.Expect(Live, None, clause.Suppression());
        clause.ExpectTolerated();
    }

    private static List<byte[]> WhenTheIndexIsStored(EchoClauseBench clause, Func<byte[]> look)
    {
        var seen = new List<byte[]>();
        var index = clause.Ring.Layout.DeviceAddress + 2;
        clause.Memory.Refuses = (address, access) =>
        {
            if (address == index && access == GuestMemoryAccess.Write)
            {
                seen.Add(look());
            }

            return false;
        };
        return seen;
    }

    private static IEnumerable<DriverBuffer> Cut(DriverBuffer whole, uint[] lengths)
    {
        var address = whole.Address;
        foreach (var length in lengths)
        {
            yield return whole with { Address = address, LengthBytes = length };
            address += length;
        }
    }
}
