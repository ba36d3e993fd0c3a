using Eider.Hardware.Interrupts;
using Eider.Hardware.Memory;
using Eider.Hardware.Time;

namespace Eider.Machines;

/// <summary>What a machine gives to a device of the caller's own on its board.</summary>
/// <param name="Memory">The guest's RAM.</param>
/// <param name="Interrupt">Its wire to the interrupt controller; leads nowhere if it has no source.</param>
/// <param name="Executor">Runs its workers; with a seed all on the machine's only thread.</param>
/// <param name="Timebase">The guest's time, and timers.</param>
/// <param name="Random">Randomness; with a seed the same each time.</param>
public sealed record BoardDeviceServices(
    GuestMemory Memory, IInterruptLine Interrupt, IExecutor Executor, Timebase Timebase, IRandomSource Random);
