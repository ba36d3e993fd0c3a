using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Lifecycle;
using Eider.Hardware.Memory;
using Eider.Hardware.Time;

namespace Eider.RiscV;

/// <summary>What a <see cref="RiscVEngine"/> is made of.</summary>
public sealed class RiscVEngineOptions
{
    /// <summary>The most harts that an engine runs.</summary>
    public const int MaxHarts = 8;

    /// <summary>The machine's RAM; everything else goes to <see cref="Io"/>.</summary>
    public required GuestRam Ram { get; init; }

    /// <summary>Takes every access outside of RAM.</summary>
    public required IoManager Io { get; init; }

    /// <summary>What <c>time</c> shows; the harts' timers are armed on it.</summary>
    public required Timebase Timebase { get; init; }

    /// <summary>The interrupt pins, one set a hart; their count, 1 to <see cref="MaxHarts"/>, is the number of harts.</summary>
    public required IReadOnlyList<HartPins> Pins { get; init; }

    /// <summary>Where the SBI's debug console goes; without one the extension is absent.</summary>
    public IConsoleSink? Console { get; init; }

    /// <summary>Where the SBI's system reset goes; without one the extension is absent.</summary>
    public IPowerSink? Power { get; init; }

    /// <summary>Guest-physical address of the first instruction; even.</summary>
    public required ulong EntryPoint { get; init; }

    /// <summary>Guest-physical address of the device tree, handed over in a1.</summary>
    public ulong DeviceTreeAddress { get; init; }

    /// <summary>Mode that harts begin in.</summary>
    public RiscVStartMode Start { get; init; } = RiscVStartMode.Supervisor;

    /// <summary>Instructions that a hart runs before the next one has its turn, when there are several.</summary>
    public int SliceInstructions { get; init; } = 20_000;
}
