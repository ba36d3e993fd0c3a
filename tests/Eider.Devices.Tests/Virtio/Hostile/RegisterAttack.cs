using Eider.Devices.Tests.Virtio.Clauses;
using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Bus;
using Eider.Testing.Virtio;
using static Eider.Devices.Virtio.Transport.VirtioMmioRegister;

namespace Eider.Devices.Tests.Virtio.Hostile;

/// <summary>How far a driver came before it turned hostile.</summary>
internal enum Level
{
    Reset,
    Driver,
    Negotiated,
    QueueReady,
    Live,
}

/// <summary>A guest that writes registers as it likes, on a device with two queues of at most eight descriptors, and a third that is absent.</summary>
internal sealed class RegisterAttack(EchoClauseBench clause)
{
    private readonly long _errors = clause.Bench.Mmio.DriverErrors;

    public EchoClauseBench Clause { get; } = clause;

    public VirtioTestBench Bench => Clause.Bench;

    public ulong Features => Clause.Features;

    public static HostileScenario Scenario(
        string family, string name, Level level, Action<RegisterAttack> attack, ulong extra = 0, Rings on = Rings.Split, bool holds = false) =>
        new(family, name, on, async features =>
        {
            var device = new EchoDevice(8, 8, 0) { HoldsBack = holds, Regions = [new(3, 0x4000_0000, 0x1000)] };
            await using var clause = new EchoClauseBench(features | extra, device);
            if (level == Level.Live)
            {
                clause.Start();
            }
            else
            {
                Climb(clause, level);
            }

            clause.Watch();
            attack(new RegisterAttack(clause));
        });

    /// <summary>Writes registers, in order.</summary>
    public RegisterAttack Set(params (VirtioMmioRegister Register, uint Value)[] writes)
    {
        foreach (var (register, value) in writes)
        {
            Bench.Write(register, value);
        }

        return this;
    }

    /// <summary>Reads a register.</summary>
    public RegisterAttack Shows(VirtioMmioRegister register, uint value)
    {
        Assert.Equal(value, Bench.Read(register));
        return this;
    }

    /// <summary>An access of any width at any offset, and what the bus is told.</summary>
    public RegisterAttack Access(ulong offset, int width, bool isWrite, BusStatus expected)
    {
        var bytes = new byte[width];
        Assert.Equal(expected, (isWrite ? Bench.Mmio.Write(0, offset, bytes) : Bench.Mmio.Read(0, offset, bytes)).Status);
        return this;
    }

    /// <summary>Writes the registers of queue 0, good but for what is said, and makes it ready.</summary>
    public RegisterAttack SetUp(
        uint size = 8, ulong? descriptors = null, ulong? driver = null, ulong? device = null, uint queue = 0, uint ready = 1)
    {
        Set((QueueSel, queue), (QueueSize, size));
        Bench.WriteAddress(QueueDescLow, descriptors ?? Bench.Allocate(4096));
        Bench.WriteAddress(QueueDriverLow, driver ?? Bench.Allocate(4096));
        Bench.WriteAddress(QueueDeviceLow, device ?? Bench.Allocate(4096));
        Bench.Write(QueueReady, ready);
        Bench.Run();
        return this;
    }

    /// <summary>The verdict: status, interrupts, how many mistakes were counted, and all that was written to memory.</summary>
    public void Ends(DeviceStatus status, int errors, uint interrupts = ClauseBench.None, params (ulong, ulong)[] writes)
    {
        Bench.Run();
        Assert.Equal(errors, Bench.Mmio.DriverErrors - _errors);
        Clause.Device.HoldsBack = false;
        Clause.ExpectAndRecover(status, interrupts, writes);
    }

    /// <summary>The device still answers a request, with its own writes and no others.</summary>
    public void StillServes(int errors)
    {
        Bench.Run();
        Assert.Equal(errors, Bench.Mmio.DriverErrors - _errors);
        Clause.Expect(ClauseBench.Live, ClauseBench.None);
        Clause.ExpectTolerated();
    }

    private static void Climb(EchoClauseBench clause, Level level)
    {
        var bench = clause.Bench;
        if (level == Level.Driver)
        {
            bench.Write(Status, 1);
            bench.Write(Status, 3);
        }
        else if (level >= Level.Negotiated)
        {
            Assert.True(bench.Negotiate(clause.Features));
        }

        if (level == Level.QueueReady)
        {
            bench.SetUpQueue(0, 8, clause.Features);
        }
    }
}
