using Eider.Devices.Virtio.Console;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Lifecycle;
using Eider.Hardware.Memory;
using Eider.Hardware.Time;
using Eider.RiscV;
using Eider.Storage.Backends;

namespace Eider.Machines.Building;

/// <summary>
/// Makes a small machine in memory and throws it away: what the runtime loads and compiles for it is ready for the next
/// one. Begins with what a machine is finished with, so that somebody who makes a machine meanwhile is met in the middle.
/// </summary>
internal sealed class MachineRehearsal : IMachineHost
{
    private const uint JumpToItself = 0x0000_006F;
    private const int RamBytes = 1 << 20;
    private const int Instructions = 100;

    // Taking apart helps nobody who makes a machine right now, and takes time from them.
    private static readonly TimeSpan UntilTakenApart = TimeSpan.FromSeconds(1);

    private MachineRehearsal()
    {
    }

    /// <summary>Does it, on the calling thread. What fails here is told by the machine that is wanted.</summary>
    public static Task RunAsync() => RunAsync(static async () =>
    {
        RunEngine();
        await BuildAsync().ConfigureAwait(false);
    });

    /// <summary>
    /// Plays a part and keeps every failure to itself: it runs on a thread of its own, where whatever escapes ends the process,
    /// and nobody has asked for what it does.
    /// </summary>
    internal static async Task RunAsync(Func<Task> part)
    {
        try
        {
            await part().ConfigureAwait(false);
        }
        catch (Exception)
        {
            // No memory, no thread, no files: nothing to prepare then, and the machine that is wanted tells it in its own words.
        }
    }

    /// <inheritdoc/>
    void IMachineHost.Fault(string where, Exception exception)
    {
    }

    /// <inheritdoc/>
    void IMachineHost.HostFailed(string message)
    {
    }

    /// <inheritdoc/>
    void IPowerSink.Request(PowerRequest request)
    {
    }

    private static void RunEngine()
    {
        using var ram = new GuestRam((BoardLayout.RamBase, RamBytes));
        ram.TryWriteUInt32(BoardLayout.RamBase, JumpToItself);
        using var engine = new RiscVEngine(new RiscVEngineOptions
        {
            Ram = ram,
            Io = new IoManager(),
            Timebase = new HostTimebase(TimeProvider.System, BoardLayout.TimebaseFrequencyHz),
            Pins = [new HartPins()],
            EntryPoint = BoardLayout.RamBase,
        });
        engine.Run(Instructions);
    }

    private static async Task BuildAsync()
    {
        var disk = new MemoryStorage(RamBytes);
        await using var owned = disk.ConfigureAwait(false);
        var configuration = new MachineConfiguration
        {
            Memory = RamBytes,
            Kernel = "rehearsal",
            Disks = [disk],
            Rng = new EntropyConfiguration(),
            Serial = new ConsoleEndpoint(),
        };
        var builder = new MachineBuilder(configuration, new MachineRehearsal());
        await using (builder.ConfigureAwait(false))
        {
            await builder.RehearseAsync().ConfigureAwait(false);
            Thread.Sleep(UntilTakenApart);
        }
    }
}
