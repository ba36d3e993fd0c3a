using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Interrupts;

namespace Eider.Devices.Tests.Virtio.Transport;

/// <summary>The wire shows the register, also when it changes while the wire is driven.</summary>
public sealed class InterruptLatchTests
{
    [Fact]
    public void The_wire_is_high_while_any_bit_stands()
    {
        var line = new ReentrantLine();
        var latch = new InterruptLatch(line);
        latch.Set(InterruptLatch.UsedBuffer);
        Assert.Empty(line.Levels); // not before it is driven
        latch.Drive();
        latch.Set(InterruptLatch.ConfigurationChange);
        latch.Drive();
        latch.Clear(InterruptLatch.UsedBuffer);
        latch.Drive();
        Assert.Equal(2, latch.Status);
        Assert.True(line.Levels[^1]);
        latch.Clear(~0);
        latch.Drive();
        Assert.Equal([true, true, true, false], line.Levels);
    }

    [Fact]
    public void Taking_the_bits_clears_them()
    {
        var line = new ReentrantLine();
        var latch = new InterruptLatch(line);
        latch.Set(3);
        latch.Drive();
        Assert.Equal(3, latch.Take());
        Assert.Equal(0, latch.Take());
        latch.Drive();
        Assert.Equal([true, false], line.Levels);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public void A_change_that_comes_while_the_wire_is_driven_is_driven_too_by_whoever_drives(int times)
    {
        var line = new ReentrantLine();
        var latch = new InterruptLatch(line);
        var depth = 0;
        var most = 0;
        line.OnLevel = level =>
        {
            most = Math.Max(most, ++depth);
            if (times > 0)
            {
                // Another hart acknowledges, or another queue completes, just now.
                times--;
                if (level)
                {
                    latch.Clear(1);
                }
                else
                {
                    latch.Set(1);
                }

                latch.Drive();
            }

            depth--;
        };
        latch.Set(1);
        latch.Drive();
        Assert.Equal(1, most); // never two at once
        Assert.Equal(latch.Status != 0, line.Levels[^1]);
        for (var i = 1; i < line.Levels.Count; i++)
        {
            Assert.NotEqual(line.Levels[i - 1], line.Levels[i]);
        }
    }

    private sealed class ReentrantLine : IInterruptLine
    {
        public List<bool> Levels { get; } = [];

        public Action<bool>? OnLevel { get; set; }

        public void SetLevel(bool level)
        {
            Levels.Add(level);
            OnLevel?.Invoke(level);
        }
    }
}
