using System.Diagnostics;
using Eider.Devices.Ide;
using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Lifecycle;
using Eider.Hardware.Memory;
using Eider.Hardware.Time;
using Eider.Machines.Building;
using Eider.Machines.Running;
using Eider.Storage;

namespace Eider.Machines;

/// <summary>
/// A whole machine: RAM, harts, board and devices. Make it, start it, talk to its console, wait for its end; disposing
/// stops it and closes its disks. A bug in a device or in the engine ends this machine with a fault record
/// (<see cref="MachineExit.Fault"/>) and nothing else.
/// </summary>
public sealed class Machine : IAsyncDisposable
{
    private const int MaxHostErrors = 100;

    private readonly TaskCompletionSource<MachineExit> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Queue<string> _hostErrors = new();
    private readonly Lock _gate = new();
    private readonly MachineConsole? _console;
    private readonly Host _host;
    private readonly TimeProvider _clock;
    private MachineParts _parts = null!;
    private HartLoop _loop = null!;
    private PowerRequest? _power;
    private MachineFault? _fault;
    private MachineState _state;
    private bool _stopRequested;
    private bool _disposed;
    private long _startTimestamp;
    private long _endTimestamp;
    private DateTimeOffset? _firstInstruction;

    private Machine(MachineConfiguration configuration)
    {
        Configuration = configuration;
        _clock = configuration.Clock;
        _host = new Host(this);
        _console = configuration.Serial is null ? new MachineConsole(_clock) : null;
    }

    /// <summary>Raised, on any thread, when the host failed to do something for the guest, such as a write to a full disk.</summary>
    public event EventHandler<MachineHostErrorEventArgs>? HostError;

    /// <summary>What it was made from.</summary>
    public MachineConfiguration Configuration { get; }

    /// <summary>The console behind the serial port.</summary>
    /// <exception cref="InvalidOperationException">The configuration gave the serial port another host end.</exception>
    public MachineConsole Console => _console
        ?? throw new InvalidOperationException("the serial port goes to the host end of the configuration, so the machine has no console of its own");

    /// <summary>The consoles behind the terminals of the virtio consoles (hvc0, hvc1, ...), but for those with a device of the caller's.</summary>
    public IReadOnlyList<MachineConsole> Consoles => _parts.Consoles;

    /// <summary>The storages of the disks, vda first, then those of IDE devices and of Simple VirtIO Block; open until the machine is disposed of.</summary>
    public IReadOnlyList<BlockStorage> Disks => _parts.Disks;

    /// <summary>The virtio devices: disks, consoles, entropy, the caller's own.</summary>
    public IReadOnlyList<VirtioTransport> VirtioDevices => _parts.Virtio;

    /// <summary>The IDE channels, controller by controller; the tray of a CD drive is at <see cref="IdeChannel.Tray"/>.</summary>
    public IReadOnlyList<IdeChannel> IdeChannels => _parts.Ide;

    /// <summary>The CD drives on IDE channels, in the same order, with the discs that were opened for them.</summary>
    public IReadOnlyList<MachineCdDrive> CdDrives => _parts.CdDrives;

    /// <summary>The guest's RAM, until the machine is disposed of.</summary>
    public GuestMemory Memory => _parts.Ram;

    /// <summary>Where it is in its life.</summary>
    public MachineState State
    {
        get
        {
            lock (_gate)
            {
                return _state;
            }
        }
    }

    /// <summary>Completes when the machine has ended and its disks are flushed; never fails.</summary>
    public Task<MachineExit> Completion => _completion.Task;

    /// <summary>Makes a machine: checks everything, opens the disks, loads the kernel. Nothing runs yet.</summary>
    /// <param name="configuration">What it is made of; not to be changed afterwards.</param>
    /// <exception cref="MachineConfigurationException">The user's mistake, in one line; nothing was created or changed.</exception>
    public static async Task<Machine> CreateAsync(MachineConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var machine = new Machine(configuration);
        var builder = new MachineBuilder(configuration, machine._host);
        await using (builder.ConfigureAwait(false))
        {
            machine._parts = await builder.BuildAsync(machine._console).ConfigureAwait(false);
            machine._loop = new HartLoop(machine._parts.Engine, machine._parts.Timebase, machine._parts.Executor as ManualExecutor);
            return machine;
        }
    }

    /// <summary>
    /// Makes a small machine in memory and throws it away, on a thread of its own: what the runtime loads and compiles for it
    /// is ready for the next one. For a program with a processor to spare while it finds out which machine it will make.
    /// </summary>
    public static void RehearseInBackground() =>
        new Thread(static () => MachineRehearsal.RunAsync().GetAwaiter().GetResult()) { IsBackground = true, Name = "eider rehearsal" }.Start();

    /// <summary>Makes a machine and starts it.</summary>
    /// <param name="configuration">What it is made of; not to be changed afterwards.</param>
    /// <exception cref="MachineConfigurationException">The user's mistake, in one line; nothing was created or changed.</exception>
    public static async Task<Machine> StartAsync(MachineConfiguration configuration)
    {
        var machine = await CreateAsync(configuration).ConfigureAwait(false);
        machine.Start();
        return machine;
    }

    /// <summary>Starts the harts, on a thread of their own.</summary>
    /// <exception cref="InvalidOperationException">It was started before.</exception>
    public void Start()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_state != MachineState.Created)
            {
                throw new InvalidOperationException("a machine starts once");
            }

            _state = MachineState.Running;
            _startTimestamp = _clock.GetTimestamp();
        }

        new Thread(RunHarts) { IsBackground = true, Name = "eider harts" }.Start();
    }

    /// <summary>Starts the machine and waits for its end; cancelling stops it.</summary>
    /// <param name="cancellationToken">Stops the machine: its devices end what is in flight, its disks are flushed.</param>
    /// <returns>How it ended; <see cref="MachineExitReason.Stopped"/> if it was cancelled.</returns>
    public async Task<MachineExit> RunAsync(CancellationToken cancellationToken = default)
    {
        Start();
        using (cancellationToken.UnsafeRegister(static machine => ((Machine)machine!).RequestStop(), this))
        {
            return await _completion.Task.ConfigureAwait(false);
        }
    }

    /// <summary>Waits for the machine's end.</summary>
    /// <param name="timeout">How long; null for as long as it takes.</param>
    /// <param name="cancellationToken">Ends the wait, not the machine.</param>
    /// <exception cref="TimeoutException">It has not ended in time; it still runs.</exception>
    public Task<MachineExit> WaitForExitAsync(TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        _completion.Task.WaitAsync(timeout ?? Timeout.InfiniteTimeSpan, _clock, cancellationToken);

    /// <summary>Stops the machine as a pulled plug does, but that its devices end what is in flight and its disks are flushed.</summary>
    /// <returns>How it ended: it may have ended by itself before.</returns>
    public async Task<MachineExit> StopAsync()
    {
        RequestStop();
        return await _completion.Task.ConfigureAwait(false);
    }

    /// <summary>What it did so far.</summary>
    public MachineStatistics GetStatistics()
    {
        lock (_gate)
        {
            var wall = _state switch
            {
                MachineState.Created => TimeSpan.Zero,
                MachineState.Running => _clock.GetElapsedTime(_startTimestamp),
                _ => _clock.GetElapsedTime(_startTimestamp, _endTimestamp),
            };
            return new MachineStatistics(
                _parts.Engine.RetiredInstructions,
                _loop.CpuTime.TotalSeconds,
                wall.TotalSeconds,
                _firstInstruction is { } first ? (first - ProcessStart()).TotalMilliseconds : null,
                [.. _parts.Virtio.Select(device => device.Statistics)
                    .Concat(_parts.Ide.SelectMany(channel => channel.Statistics))
                    .Concat(_parts.Svirtb.Select(device => device.Statistics))
                    .Concat(_parts.Bio.Select(device => device.Statistics))
                    .Append(_parts.Uart.Statistics).Select(MachineDeviceStatistics.From)]);
        }
    }

    /// <summary>Stops the machine if it runs, closes its disks and frees its memory.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
        }

        await StopAsync().ConfigureAwait(false);
        foreach (var disk in _parts.OwnedDisks)
        {
            await disk.DisposeAsync().ConfigureAwait(false);
        }

        foreach (var file in _parts.Files)
        {
            file.Dispose();
        }

        _parts.Engine.Dispose();
        _parts.Ram.Dispose();
        _loop.Dispose();
    }

    // Looked up when somebody asks: it is of no use to a machine that starts.
    private static DateTimeOffset ProcessStart()
    {
        using var process = Process.GetCurrentProcess();
        return process.StartTime.ToUniversalTime();
    }

    private void RequestStop()
    {
        bool neverStarted;
        lock (_gate)
        {
            neverStarted = _state == MachineState.Created;
            _state = neverStarted ? MachineState.Running : _state;
            _stopRequested = true;
        }

        if (neverStarted)
        {
            Shutdown(halted: false);
            return;
        }

        EndRun();
    }

    private void EndRun()
    {
        _parts.Engine.Interrupt();
        _loop.Wake();
    }

    private bool IsStopped()
    {
        lock (_gate)
        {
            return _stopRequested || _power is not null || _fault is not null;
        }
    }

    private void RunHarts()
    {
        var halted = false;
        try
        {
            lock (_gate)
            {
                _firstInstruction = _clock.GetUtcNow(); // the host's clock: nobody in the guest sees this
            }

            halted = _loop.Run(IsStopped);
        }
        catch (Exception exception)
        {
            _host.Fault("harts", exception);
        }

        Shutdown(halted);
    }

    // The harts have stopped. Devices end what is in flight, then what was written is made durable.
    private void Shutdown(bool halted)
    {
        var ended = QuiesceAsync();
        _loop.RunWorkersUntil(ended);
        ended.ContinueWith(
            _ => Complete(halted), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private async Task QuiesceAsync()
    {
        foreach (var (name, _) in _parts.Board.Devices.Reverse())
        {
            await Guard(name, () => new ValueTask(_parts.Board.DestroyAsync(name))).ConfigureAwait(false);
        }

        _parts.SerialPeer.Dispose();
        foreach (var disk in _parts.Disks.Where(disk => !disk.Geometry.IsReadOnly))
        {
            await Guard(disk.Name, async () => await disk.FlushAsync().ConfigureAwait(false)).ConfigureAwait(false);
        }
    }

    private async Task Guard(string name, Func<ValueTask> action)
    {
        try
        {
            await action().ConfigureAwait(false);
        }
        catch (BlockStorageException failure)
        {
            _host.HostFailed(failure.Message);
        }
        catch (Exception exception)
        {
            _host.Fault(name, exception);
        }
    }

    private void Complete(bool halted)
    {
        MachineExit exit;
        lock (_gate)
        {
            _state = MachineState.Ended;
            _endTimestamp = _clock.GetTimestamp();
            var reason = _fault is not null ? MachineExitReason.Faulted
                : _power is { Kind: PowerRequestKind.Restart } ? MachineExitReason.RestartRequested
                : _power is not null ? MachineExitReason.PoweredOff
                : halted ? MachineExitReason.Halted
                : MachineExitReason.Stopped;
            exit = new MachineExit(reason, _power?.Code ?? 0, _fault, [.. _hostErrors]);
        }

        _console?.End(exit.Reason.ToString());
        foreach (var console in _parts.Consoles)
        {
            console.End(exit.Reason.ToString());
        }

        _completion.TrySetResult(exit);
    }

    private sealed class Host(Machine machine) : IMachineHost
    {
        public void Request(PowerRequest request)
        {
            lock (machine._gate)
            {
                machine._power ??= request;
            }

            machine.EndRun();
        }

        public void Fault(string where, Exception exception)
        {
            lock (machine._gate)
            {
                machine._fault ??= new MachineFault(
                    where, exception, machine._parts.Engine.RetiredInstructions, machine._clock.GetUtcNow());
            }

            machine.EndRun();
        }

        public void HostFailed(string message)
        {
            lock (machine._gate)
            {
                if (machine._hostErrors.Count == MaxHostErrors)
                {
                    machine._hostErrors.Dequeue();
                }

                machine._hostErrors.Enqueue(message);
            }

            machine.HostError?.Invoke(machine, new MachineHostErrorEventArgs(message));
        }
    }
}
