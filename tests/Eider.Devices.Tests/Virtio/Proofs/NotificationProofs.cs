using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Queue;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Proofs;

/// <summary>
/// When a used buffer notification is sent with EVENT_IDX (virtio 1.3, 2.7.7.2 and 2.8.14), for every pair of the
/// place that the driver asked for and the number of entries used. The definition is the specification's sentence
/// taken literally: go through the entries one by one, and see whether one of them stood at the place asked for.
/// </summary>
public sealed class NotificationProofs(ITestOutputHelper output)
{
    private const int Numbers = 1 << 16;

    // Odd, so that the distances are a permutation of all 16-bit numbers while both sides move.
    private const int Spread = 40503;

    [Fact]
    public void Split_the_rule_is_that_of_the_specification_for_every_pair()
    {
        var cases = ForEachAsked(asked =>
        {
            var before = unchecked((ushort)(asked - (asked * Spread)));
            var passed = false;
            var index = before;
            var wrong = 0;
            for (var count = 0; count < Numbers; count++)
            {
                // Entries `before` up to `index`, without it, are used.
                wrong += SplitQueue.IsCrossed(asked, before, index) == passed ? 0 : 1;
                passed |= index == asked; // 2.7.7.2: idx, which placed this entry, was equal to used_event
                index = unchecked((ushort)(index + 1));
            }

            return wrong;
        });
        output.WriteLine($"split notification rule: {cases:N0} pairs");
    }

    [Fact]
    public void Split_the_rule_looks_at_distances_only()
    {
        ReadOnlySpan<int> distances = [0, 1, 2, 3, 255, 256, 32766, 32767, 32768, 32769, 65533, 65534, 65535];
        var cases = 0;
        for (var before = 0; before < Numbers; before += ProofScale.StateStep)
        {
            foreach (var asked in distances)
            {
                foreach (var count in distances)
                {
                    Assert.Equal(
                        SplitQueue.IsCrossed((ushort)asked, 0, (ushort)count),
                        SplitQueue.IsCrossed(unchecked((ushort)(before + asked)), (ushort)before, unchecked((ushort)(before + count))));
                    cases++;
                }
            }
        }

        output.WriteLine($"split notification rule: {cases:N0} translations");
    }

    [Fact]
    public void Packed_the_rule_is_that_of_the_specification_for_every_pair_of_the_largest_ring()
    {
        const int Size = VirtioLimits.MaxQueueSize;
        var cases = ForEachAsked(asked => CountWrong(Size, asked, unchecked(asked * Spread) & 0xFFFF));
        output.WriteLine($"packed notification rule, ring of {Size}: {cases:N0} pairs");
    }

    [Fact]
    public void Packed_the_rule_is_that_of_the_specification_for_every_state_of_small_rings()
    {
        var cases = 0L;
        for (var size = 1; size <= (ProofScale.IsFull ? 96 : ProofScale.IsSample ? 5 : 32); size++)
        {
            for (var asked = 0; asked < 2 * size; asked++)
            {
                var place = (ushort)(asked < size ? asked | 0x8000 : asked - size);
                for (var before = 0; before < 2 * size; before++)
                {
                    Assert.Equal(0, CountWrong(size, place, before));
                    cases += 2 * size;
                }
            }
        }

        output.WriteLine($"packed notification rule, small rings: {cases:N0} states");
    }

    [Fact]
    public void Packed_a_place_that_no_ring_has_is_always_answered()
    {
        var cases = 0;
        for (var size = 1; size < VirtioLimits.MaxQueueSize; size++)
        {
            foreach (var offset in new[] { size, (size + 0x7FFF) / 2, 0x7FFF })
            {
                Assert.True(PackedQueue.IsCrossed((ushort)offset, 0, 1, size));
                Assert.True(PackedQueue.IsCrossed((ushort)(offset | 0x8000), size, 1, size));
                cases += 2;
            }
        }

        output.WriteLine($"packed notification rule, places outside of the ring: {cases:N0} cases");
    }

    [Theory]
    [InlineData(FeatureSets.Split, 1)]
    [InlineData(FeatureSets.Split, 4)]
    [InlineData(FeatureSets.Split, 64)]
    [InlineData(FeatureSets.Packed, 1)]
    [InlineData(FeatureSets.Packed, 5)]
    [InlineData(FeatureSets.Packed, 64)]
    public void A_queue_asks_the_rule_with_what_it_used(ulong features, int size)
    {
        using var bench = new QueueBench(features | FeatureSets.EventIdx, size);
        var random = new Random(size);
        var isPacked = features.Has(VirtioFeature.RingPacked);
        var round = isPacked ? 2 * size : Numbers;
        var position = 0;
        for (var used = 0L; used < (ProofScale.IsSample ? 500 : 70_000);)
        {
            var batch = random.Next(1, size + 1);
            var asked = (position + random.Next(-1, batch + 2) + round) % round;
            Ask(bench, isPacked, size, asked);
            var expected = Enumerable.Range(position, batch).Any(place => place % round == asked) ? 1 : 0;
            var before = bench.Interrupts;
            Use(bench, batch);
            Assert.Equal(expected, bench.Interrupts - before);
            position = (position + batch) % round;
            used += batch;
        }
    }

    private static int CountWrong(int size, ushort asked, int before)
    {
        var (offset, wrap) = (asked & 0x7FFF, asked >> 15);
        var (slot, counter) = before < size ? (before, 1) : (before - size, 0);
        var passed = false;
        var wrong = 0;
        for (var count = 0; count < 2 * size; count++)
        {
            wrong += PackedQueue.IsCrossed(asked, before, count, size) == passed ? 0 : 1;
            passed |= slot == offset && counter == wrap; // 2.8.14: the descriptor at this offset, in this round
            if (++slot == size)
            {
                slot = 0;
                counter ^= 1;
            }
        }

        return wrong;
    }

    /// <summary>Runs 2^16 cases for each 16-bit number, or for each sixteenth of them; returns how many.</summary>
    private static long ForEachAsked(Func<ushort, int> countWrong)
    {
        var step = ProofScale.AskedStep;
        var wrong = 0L;
        Parallel.For(0, Numbers / step, i =>
        {
            // The slice moves through all remainders, so that no bit is left out.
            var asked = (ushort)((i * step) + (i % step));
            var found = countWrong(asked);
            if (found != 0)
            {
                Interlocked.Add(ref wrong, found);
            }
        });
        Assert.Equal(0, wrong);
        return (long)Numbers / step * Numbers;
    }

    private static void Ask(QueueBench bench, bool isPacked, int size, int asked)
    {
        if (isPacked)
        {
            bench.Ring.Write16(bench.Ring.Layout.DriverAddress, (ushort)(asked < size ? asked | 0x8000 : asked - size));
            bench.Ring.Write16(bench.Ring.Layout.DriverAddress + 2, 2);
        }
        else
        {
            bench.Ring.Write16(bench.Split.UsedEventAddress, (ushort)asked);
        }
    }

    private static void Use(QueueBench bench, int count)
    {
        bench.Queue.BeginRun();
        for (var i = 0; i < count; i++)
        {
            bench.Ring.Add([new(QueueBench.Buffers, 1, false)]);
        }

        for (var i = 0; i < count; i++)
        {
            bench.Queue.Complete(bench.Take(), 0);
        }

        bench.Queue.Flush();
        while (bench.Ring.TryGetUsed(out _))
        {
        }
    }
}
