using System.Buffers.Binary;
using Eider.Devices.Virtio.Transport;
using Eider.Examples;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio;

/// <summary>The example of docs/writing-a-virtio-device.md.</summary>
public sealed class ExampleTests
{
    [Theory]
    [MemberData(nameof(FeatureSets.Every), MemberType = typeof(FeatureSets))]
    public async Task The_example_answers_over_every_ring(ulong features)
    {
        await using var bench = new VirtioTestBench(new ChecksumDevice.Config().Build(), new() { Offered = FeatureSets.All });
        Assert.Equal(1000u, bench.Read(VirtioMmioRegister.DeviceId));
        foreach (var bigEndian in new[] { false, true })
        {
            var ring = bench.Start(features | (bigEndian ? 1ul : 0));
            var memory = bench.Allocate(4096);
            bench.Ram.TryWrite(memory, "Wikipedia"u8);
            ring.Add([new(memory, 4, false), new(memory + 4, 5, false), new(memory + 64, 1, true), new(memory + 65, 3, true)]);
            bench.Kick();
            Assert.True(ring.TryGetUsed(out var used));
            Assert.Equal(4u, used.WrittenBytes);
            // 0x11E60398 is the published Adler-32 of these nine bytes.
            var answer = ring.Read(memory + 64, 4);
            Assert.Equal(
                0x11E60398u, bigEndian ? BinaryPrimitives.ReadUInt32BigEndian(answer) : BinaryPrimitives.ReadUInt32LittleEndian(answer));
            Assert.Equal(3u, bench.Acknowledge()); // used buffer, and changed configuration
            var config = new byte[4];
            bench.Mmio.Read(0, 0x100, config);
            Assert.Equal([1, 0, 0, 0], config);
        }
    }

    [Fact]
    public async Task The_example_refuses_what_is_too_much()
    {
        Assert.Throws<ArgumentException>(() => new ChecksumDevice.Config(0).Build());
        await using var bench = new VirtioTestBench(new ChecksumDevice.Config(8).Build());
        var ring = bench.Start(FeatureSets.Split);
        var memory = bench.Allocate(4096);
        ring.Add([new(memory, 9, false), new(memory + 64, 4, true)]);
        ring.Add([new(memory, 8, false), new(memory + 64, 3, true)]);
        bench.Kick();
        Assert.True(ring.TryGetUsed(out var first));
        Assert.True(ring.TryGetUsed(out var second));
        Assert.Equal((0u, 0u), (first.WrittenBytes, second.WrittenBytes));
        Assert.Equal(0, bench.Mmio.Faults);
    }

    [Fact]
    public void The_example_in_the_docs_is_the_one_that_is_tested_and_is_short()
    {
        var root = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(root.FullName, "Eider.slnx")))
        {
            root = root.Parent!;
        }

        var code = File.ReadAllText(Path.Combine(root.FullName, "examples", "checksum-device", "ChecksumDevice.cs"));
        var text = File.ReadAllText(Path.Combine(root.FullName, "docs", "writing-a-virtio-device.md"));
        Assert.Contains(code, text, StringComparison.Ordinal);
        Assert.InRange(code.Split('\n').Length, 1, 100);
    }
}
