using System.Buffers.Binary;
using Eider.Devices.SimpleVirtio;
using Eider.Hardware.Memory;
using Eider.Hardware.Time;
using Eider.Testing.SimpleVirtio;

namespace Eider.Devices.Tests.SimpleVirtio;

/// <summary>Real threads: several harts ring, reset and break rules at once, over a storage that completes on others.</summary>
public sealed class SvirtbRaceTests
{
    private const int Harts = 3;
    private const int WritesOfAHart = 3000;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Harts_that_do_as_they_like_never_wait_for_ever_and_the_device_works_afterwards()
    {
        Exception? fault = null;
        var storage = SvirtbDisks.Numbered(64);
        storage.Log = null;
        storage.Holds = true;
        using var ram = new GuestRam((SvirtbBench.RamBase, SvirtbBench.RamBytes));
        var device = new SimpleVirtioBlock(new SvirtbDisk { Storage = storage }, ram, new ThreadExecutor(exception => fault = exception));
        var isOver = false;
        var host = new Thread(() =>
        {
            while (!Volatile.Read(ref isOver))
            {
                _ = storage.TryRelease(0) || Thread.Yield();
            }
        });
        host.Start();
        var harts = Enumerable.Range(0, Harts).Select(hart => Task.Run(() => Drive(device, ram, hart))).ToArray();
        await Task.WhenAll(harts).WaitAsync(TimeSpan.FromMinutes(1));

        Write(device, SvirtbRegister.Status, (uint)SvirtbStatus.Reset);
        Start(device);
        Fill(ram, 0, 5, 0);
        Write(device, SvirtbRegister.QueueHead, 1);
        var data = new byte[512];
        ram.TryRead(SvirtbBench.Buffers, data);
        Assert.Equal(storage.Content[(5 * 512)..(6 * 512)], data);
        await device.DisposeAsync();
        Volatile.Write(ref isOver, true);
        host.Join();
        Assert.Null(fault);
    }

    private static void Drive(SimpleVirtioBlock device, GuestRam ram, int seed)
    {
        var random = new Random(seed);
        for (var i = 0; i < WritesOfAHart; i++)
        {
            switch (random.Next(8))
            {
                case 0:
                    Write(device, SvirtbRegister.Status, (uint)SvirtbStatus.Reset);
                    break;
                case 1:
                    Start(device);
                    break;
                case 2:
                    Write(device, (SvirtbRegister)(4 * random.Next(6)), (uint)random.Next(10));
                    break;
                default:
                    Fill(ram, (uint)random.Next(8), (ulong)random.Next(64), 0);
                    Write(device, SvirtbRegister.QueueHead, (uint)random.Next(8));
                    break;
            }
        }
    }

    private static void Start(SimpleVirtioBlock device)
    {
        Write(device, SvirtbRegister.Status, (uint)SvirtbStatus.DriverOk);
        Write(device, SvirtbRegister.QueueAddrLo, unchecked((uint)SvirtbBench.Ring));
        Write(device, SvirtbRegister.QueueSize, 8);
        Write(device, SvirtbRegister.Status, (uint)SvirtbStatus.Ready);
    }

    private static void Fill(GuestRam ram, uint index, ulong sector, uint command)
    {
        Span<byte> entry = stackalloc byte[28];
        BinaryPrimitives.WriteUInt64LittleEndian(entry, SvirtbBench.Buffers);
        BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], 512);
        BinaryPrimitives.WriteUInt64LittleEndian(entry[16..], sector);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[24..], command);
        ram.TryWrite(SvirtbBench.Ring + (32 * index), entry);
    }

    // As a hart: it does nothing else until the access is completed.
    private static void Write(SimpleVirtioBlock device, SvirtbRegister register, uint value)
    {
        Span<byte> data = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(data, value);
        if (device.Write(0, (ulong)register, data).Pending is { } pending)
        {
            var done = new ManualResetEventSlim(); // not disposed of: Set may still be at work
            pending.OnCompleted(done.Set);
            Assert.True(done.Wait(Patience), $"the write of {value} to {register} does not return");
            pending.TakeValue();
        }
    }
}
