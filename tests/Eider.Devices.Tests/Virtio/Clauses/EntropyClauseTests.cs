using Eider.Devices.Virtio.Entropy;
using Eider.Testing.Virtio;
using static Eider.Devices.Tests.Virtio.Clauses.ClauseBench;

namespace Eider.Devices.Tests.Virtio.Clauses;

/// <summary>Requirements and rules of virtio 1.3, section 5.4.</summary>
public sealed class EntropyClauseTests
{
    public static TheoryData<ulong> Layouts => FeatureSets.Layouts;

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_4_6_2_a_AtLeastOneByte(ulong features)
    {
        await using var clause = new Entropy(features);
        clause.Start();
        foreach (var length in new uint[] { 1, 2, 63, 4096 })
        {
            clause.Watch();
            var buffer = new DriverBuffer(clause.Bench.Allocate(length), length, true);
            var writes = clause.Ask(buffer);
            Assert.True(clause.Ring.TryGetUsed(out var used));
            Assert.InRange(used.WrittenBytes, 1u, length);
            clause.Expect(Live, Used, [.. writes, (buffer.Address, used.WrittenBytes)]);
        }

        clause.Recover();
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_4_6_1_a_ReadableBuffer(ulong features)
    {
        await using var clause = new Entropy(features);
        clause.Start();
        var readable = new DriverBuffer(clause.Bench.Allocate(64), 64, false);
        clause.Expect(Live, Used, clause.Ask(readable));
        Assert.True(clause.Ring.TryGetUsed(out var used));
        Assert.Equal(0u, used.WrittenBytes); // back, and nothing written
        clause.Watch();
        var writable = new DriverBuffer(clause.Bench.Allocate(8), 8, true);
        clause.ExpectAndRecover(Live, Used, [.. clause.Ask(readable, writable), (writable.Address, 8)]);
    }

    [Theory]
    [MemberData(nameof(Layouts))]
    public async Task Spec_5_4_6_1_b_DoesNotLookAtTheLength(ulong features)
    {
        await using var clause = new Entropy(features);
        clause.Start();
        var huge = new DriverBuffer(clause.Bench.Allocate(1 << 20), 1 << 20, true);
        var writes = clause.Ask(huge);
        Assert.True(clause.Ring.TryGetUsed(out var used));
        Assert.Equal((uint)EntropyLimits.MaxRequestBytes, used.WrittenBytes);
        clause.ExpectAndRecover(Live, Used, [.. writes, (huge.Address, (ulong)EntropyLimits.MaxRequestBytes)]); // the rest is not random
    }

    private sealed class Entropy(ulong features) : ClauseBench(new EntropyDevice().Build(), features, null, 1)
    {
        /// <summary>Makes a request; returns what its use writes, without the bytes.</summary>
        public (ulong Address, ulong Length)[] Ask(params DriverBuffer[] buffers)
        {
            var used = NextUsed();
            Ring.Add(buffers);
            Bench.Notify();
            return [.. used, Suppression()];
        }

        public override void Serve()
        {
            Ask(new DriverBuffer(Bench.Allocate(8), 8, true));
            Assert.True(Ring.TryGetUsed(out var used));
            Assert.Equal(8u, used.WrittenBytes);
        }
    }
}
