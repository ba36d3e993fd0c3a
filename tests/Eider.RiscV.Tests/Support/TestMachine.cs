using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Lifecycle;
using Eider.Hardware.Memory;
using Eider.Hardware.Time;

namespace Eider.RiscV.Tests.Support;

/// <summary>A machine of nothing but RAM and harts, with a virtual clock.</summary>
public sealed class TestMachine : IDisposable
{
    public const ulong RamBase = 0x8000_0000;

    public TestMachine(
        int harts = 1,
        RiscVStartMode start = RiscVStartMode.Machine,
        IConsoleSink? console = null,
        IPowerSink? power = null,
        ulong ramBytes = 8 << 20,
        int sliceInstructions = 1000,
        int codeCacheOperations = 1 << 16)
    {
        Ram = new GuestRam((RamBase, ramBytes));
        Pins = [.. Enumerable.Range(0, harts).Select(_ => new HartPins())];
        Options = new RiscVEngineOptions
        {
            Ram = Ram,
            Io = Io,
            Timebase = Time,
            Pins = Pins,
            EntryPoint = RamBase,
            DeviceTreeAddress = 0x8700_0000,
            Start = start,
            Console = console,
            Power = power,
            SliceInstructions = sliceInstructions,
        };
        Engine = new RiscVEngine(Options, codeCacheOperations);
    }

    public GuestRam Ram { get; }

    public IoManager Io { get; } = new();

    public VirtualTimebase Time { get; } = new();

    public HartPins[] Pins { get; }

    public RiscVEngineOptions Options { get; }

    public RiscVEngine Engine { get; }

    public Hart Hart => Engine.Harts[0];

    /// <summary>Puts a program at the entry point.</summary>
    public TestMachine Load(Assembler program) => Load(RamBase, program.ToArray());

    public TestMachine Load(ulong address, byte[] bytes)
    {
        Assert.True(Ram.TryWrite(address, bytes));
        return this;
    }

    public ulong Read64(ulong address)
    {
        Span<byte> bytes = stackalloc byte[8];
        Assert.True(Ram.TryRead(address, bytes));
        return BitConverter.ToUInt64(bytes);
    }

    public void Write64(ulong address, ulong value) => Assert.True(Ram.TryWrite(address, BitConverter.GetBytes(value)));

    /// <summary>Runs exactly so many steps of hart 0 one after the other: instructions, or traps.</summary>
    public TestMachine Step(int count = 1)
    {
        for (var i = 0; i < count; i++)
        {
            Engine.Run(1);
        }

        return this;
    }

    /// <summary>Runs until every hart waits, with wfi, or is stopped; fails if that never happens.</summary>
    public EngineStop RunUntilIdle(long mostInstructions = 10_000_000)
    {
        var left = mostInstructions;
        while (left > 0)
        {
            Time.Advance(100);
            Time.RunDueTimers();
            var stop = Engine.Run(10_000);
            if (stop != EngineStop.BudgetSpent)
            {
                return stop;
            }

            left -= 10_000;
        }

        Assert.Fail($"still running at pc 0x{Hart.Pc:x}, x10 0x{Hart.X(10):x}");
        return EngineStop.BudgetSpent;
    }

    public ulong Csr(uint number)
    {
        Assert.True(Hart.TryReadCsr((int)number, out var value), $"CSR 0x{number:x}");
        return value;
    }

    public void SetCsr(uint number, ulong value) => Assert.True(Hart.TryWriteCsr((int)number, value), $"CSR 0x{number:x}");

    public void Dispose()
    {
        Engine.Dispose();
        Ram.Dispose();
    }
}
