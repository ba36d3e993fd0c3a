using System.Text;
using Eider.Devices.Virtio.Console;
using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Time;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Console;

/// <summary>The console behind real registers and on real threads.</summary>
public sealed class ConsoleTransportTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Spec_5_3_5_1_Emergency_write_needs_no_driver()
    {
        var end = new ConsoleEndpoint();
        await using var bench = new VirtioTestBench(new ConsoleDevice { Backend = end }.Build());
        bench.Write(VirtioMmioRegister.Config + 8, 'p');
        bench.Write(VirtioMmioRegister.Config + 8, 0xffffff00 | 'n');
        var bytes = new byte[8];
        Assert.Equal("pn", Encoding.ASCII.GetString(bytes, 0, end.Receive(bytes)));
        Assert.Equal(0u, bench.Read(VirtioMmioRegister.Config + 8));
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public async Task A_flood_both_ways_on_threads_arrives_whole(ulong features)
    {
        const int Total = 400_000;
        var faults = new List<Exception>();
        var end = new ConsoleEndpoint(bufferBytes: 1000);
        await using var bench = new VirtioTestBench(
            new ConsoleDevice { Backend = end }.Build(), executor: new ThreadExecutor(faults.Add));
        bench.Start(features, queueSize: 16, queues: 2);
        var bytes = new byte[Total];
        new Random(5).NextBytes(bytes);
        var sending = end.SendAsync(bytes, Cancellation).AsTask();
        var receiving = ReceiveAsync(end, Total);
        var output = Task.Run(() => Write(bench, bytes), Cancellation);
        var input = Task.Run(() => Read(bench, Total), Cancellation);
        Assert.Equal(bytes, await receiving);
        Assert.Equal(bytes, await input);
        await output;
        await sending;
        Assert.Empty(faults);
        Assert.Equal(0, bench.Mmio.Faults);
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public async Task A_driver_that_leaves_and_comes_back_while_both_sides_talk_is_safe(ulong features)
    {
        var faults = new List<Exception>();
        var end = new ConsoleEndpoint(bufferBytes: 100);
        WatchedMemory? memory = null;
        await using var bench = new VirtioTestBench(
            new ConsoleDevice { Backend = end }.Build(), wrap: ram => memory = new WatchedMemory(ram), executor: new ThreadExecutor(faults.Add));
        using var stop = new CancellationTokenSource();
        var host = Task.Run(
            async () =>
            {
                var piece = new byte[64];
                while (!stop.IsCancellationRequested)
                {
                    end.Send(piece);
                    end.Receive(piece);
                    await Task.Yield();
                }
            },
            Cancellation);
        for (var life = 0; life < 60; life++)
        {
            bench.FreeAll();
            bench.Start(features, queueSize: 16, queues: 2);
            for (var i = 0; i < 8; i++)
            {
                bench.Rings[0].Add([new(bench.Allocate(300), 300, true)]);
                bench.Rings[1].Add([new(bench.Allocate(300), 300, false)]);
            }

            bench.Write(VirtioMmioRegister.QueueNotify, 0);
            bench.Write(VirtioMmioRegister.QueueNotify, 1);
            SpinWait.SpinUntil(() => bench.Line.Level, life % 3);
            var reset = bench.BeginWrite(VirtioMmioRegister.Status, 0);
            while (reset.Pending is { IsCompleted: false })
            {
                await Task.Delay(1, Cancellation);
            }

            memory!.IsFrozen = true;
            await Task.Delay(1, Cancellation);
            Assert.Empty(memory.WritesWhileFrozen);
            memory.IsFrozen = false;
        }

        await stop.CancelAsync();
        await host;
        Assert.Empty(faults);
        Assert.Equal(0, bench.Mmio.Faults);
    }

    private static async Task<byte[]> ReceiveAsync(ConsoleEndpoint end, int total)
    {
        var all = new byte[total];
        for (var got = 0; got < total;)
        {
            got += await end.ReceiveAsync(all.AsMemory(got, Math.Min(700, total - got)), Cancellation);
        }

        return all;
    }

    private static void Write(VirtioTestBench bench, byte[] bytes)
    {
        var ring = bench.Rings[1];
        var room = bench.Ram;
        var slots = VirtioTestBench.RamBase + (4 << 20);
        var (sent, inFlight, next) = (0, 0, 0);
        while (sent < bytes.Length || inFlight > 0)
        {
            while (inFlight < 8 && sent < bytes.Length)
            {
                var length = Math.Min(3001, bytes.Length - sent);
                var address = slots + ((ulong)(next++ % 16) * 4096);
                Assert.True(room.TryWrite(address, bytes.AsSpan(sent, length)));
                ring.Add([new(address, (uint)length, false)]);
                sent += length;
                inFlight++;
            }

            Notify(bench, 1);
            while (ring.TryGetUsed(out _))
            {
                inFlight--;
            }

            Thread.Yield();
        }
    }

    private static byte[] Read(VirtioTestBench bench, int total)
    {
        var ring = bench.Rings[0];
        var slots = VirtioTestBench.RamBase + (8 << 20);
        var buffers = new Dictionary<ushort, ulong>();
        var all = new MemoryStream();
        var next = 0;
        while (all.Length < total)
        {
            while (buffers.Count < 8)
            {
                var address = slots + ((ulong)(next++ % 16) * 4096);
                buffers[ring.Add([new(address, 997, true)])] = address;
            }

            Notify(bench, 0);
            while (ring.TryGetUsed(out var used))
            {
                all.Write(ring.Read(buffers[used.Id], (int)used.WrittenBytes));
                buffers.Remove(used.Id);
            }

            Thread.Yield();
        }

        return all.ToArray();
    }

    private static void Notify(VirtioTestBench bench, uint queue)
    {
        if (bench.Rings[(int)queue].NeedsKick())
        {
            bench.Write(VirtioMmioRegister.QueueNotify, queue);
        }
    }
}
