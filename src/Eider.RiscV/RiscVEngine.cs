using Eider.Hardware.Lifecycle;
using Eider.RiscV.Execution;
using Eider.RiscV.Sbi;

namespace Eider.RiscV;

/// <summary>
/// A RISC-V CPU engine: RV64GC with Zba, Zbb, Zbs, Sstc and Svadu, modes M, S and U, PMP, Sv39 to Sv57, one to eight
/// harts that take turns on the caller's thread, and a supervisor binary interface built in.
/// </summary>
public sealed class RiscVEngine : ICpuEngine
{
    /// <summary>Operations that the cache of decoded code holds, 16 bytes each.</summary>
    private const int CodeCacheOperations = 1 << 21;

    private static readonly string[] Extensions =
        ["i", "m", "a", "f", "d", "c", "zicntr", "zicsr", "zifencei", "zihintpause", "zba", "zbb", "zbs", "sstc", "svadu"];

    private readonly RiscVEngineOptions _options;
    private readonly CodeCache _code;
    private readonly Hart[] _harts;
    private int _next;
    private bool _isDisposed;
    private int _stop;
    private int _revokeStores;

    /// <summary>Makes harts that stand at their start.</summary>
    /// <exception cref="ArgumentException">No hart or more than <see cref="RiscVEngineOptions.MaxHarts"/>, an odd entry point, an empty slice.</exception>
    public RiscVEngine(RiscVEngineOptions options)
        : this(options, CodeCacheOperations)
    {
    }

    internal RiscVEngine(RiscVEngineOptions options, int codeCacheOperations)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Pins.Count is 0 or > RiscVEngineOptions.MaxHarts)
        {
            throw new ArgumentException($"1 to {RiscVEngineOptions.MaxHarts} harts, not {options.Pins.Count}", nameof(options));
        }

        if ((options.EntryPoint & 1) != 0 || options.SliceInstructions <= 0)
        {
            throw new ArgumentException("the entry point is odd, or a slice has no instruction", nameof(options));
        }

        _options = options;
        _code = new CodeCache(options.Ram, codeCacheOperations);
        Sbi = options.Start == RiscVStartMode.Supervisor ? new SbiFirmware(this, options) : null;
        _harts = new Hart[options.Pins.Count];
        for (var id = 0; id < _harts.Length; id++)
        {
            _harts[id] = new Hart(this, options, _code, id);
        }

        _code.Mmus = Array.ConvertAll(_harts, hart => hart.Mmu);
        options.Ram.CodePageWritten += CodePageWritten;
        options.Ram.WriteProtectionRaised += WriteProtectionRaised;
        foreach (var hart in _harts)
        {
            hart.Reset(options);
        }
    }

    /// <summary>What the harts implement, for the device tree's <c>riscv,isa</c>.</summary>
    public static string IsaString { get; } = "rv64imafdc_" + string.Join('_', Extensions.Where(name => name.Length > 1));

    /// <summary>What the harts implement, for the device tree's <c>riscv,isa-extensions</c>; the base is rv64i.</summary>
    public static IReadOnlyList<string> IsaExtensions => Extensions;

    /// <summary>The harts, by number.</summary>
    public IReadOnlyList<Hart> Harts => _harts;

    /// <inheritdoc/>
    public int CpuCount => _harts.Length;

    /// <inheritdoc/>
    public Action? WorkAvailable { get; set; }

    /// <inheritdoc/>
    public ulong RetiredInstructions
    {
        get
        {
            var sum = 0UL;
            foreach (var hart in _harts)
            {
                sum += hart.RetiredInstructions;
            }

            return sum;
        }
    }

    internal SbiFirmware? Sbi { get; }

    /// <summary>The harts without an enumerator that costs an allocation.</summary>
    internal ReadOnlySpan<Hart> AllHarts => _harts;

    internal bool IsStopRequested => Volatile.Read(ref _stop) != 0;

    /// <inheritdoc/>
    public EngineStop Run(long instructionBudget)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        var remaining = instructionBudget;
        while (true)
        {
            var ran = false;
            for (var turn = 0; turn < _harts.Length; turn++)
            {
                if (remaining <= 0 || TakeStopRequest())
                {
                    return EngineStop.BudgetSpent;
                }

                var hart = _harts[_next];
                _next = _next + 1 == _harts.Length ? 0 : _next + 1;
                if (hart.TryBecomeRunnable())
                {
                    ran = true;
                    remaining -= TakeTurn(hart, remaining);
                }
            }

            if (!ran)
            {
                return Array.TrueForAll(_harts, hart => hart.RunState == HartRunState.Stopped) ? EngineStop.Halted : EngineStop.Waiting;
            }
        }
    }

    /// <inheritdoc/>
    public void Interrupt()
    {
        Volatile.Write(ref _stop, 1);
        foreach (var hart in _harts)
        {
            hart.Wake();
        }
    }

    /// <summary>Frees the decoded code; the RAM belongs to whoever made it.</summary>
    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        foreach (var hart in _harts)
        {
            hart.Detach();
        }

        _options.Ram.CodePageWritten -= CodePageWritten;
        _options.Ram.WriteProtectionRaised -= WriteProtectionRaised;
        _code.Dispose();
    }

    /// <summary>Makes true what other threads did to watched pages, before a hart goes on.</summary>
    internal void FollowMemoryWatches()
    {
        if (_code.HasDeviceWrites)
        {
            _code.DropWrittenByDevices();
        }

        if (Volatile.Read(ref _revokeStores) != 0 && Interlocked.Exchange(ref _revokeStores, 0) != 0)
        {
            foreach (var hart in _harts)
            {
                hart.Mmu.RevokeAllStores();
            }
        }
    }

    private long TakeTurn(Hart hart, long remaining)
    {
        if (_harts.Length == 1)
        {
            return hart.TakeTurn(Math.Min(remaining, _options.SliceInstructions));
        }

        // What another hart stores from here on must break a reservation; its turn begins here.
        var cost = hart.TakeTurn(Math.Min(remaining, _options.SliceInstructions));
        hart.EndReservation();
        return cost;
    }

    // Taken back only here, so that a request between two calls is not lost.
    private bool TakeStopRequest() => Volatile.Read(ref _stop) != 0 && Interlocked.Exchange(ref _stop, 0) != 0;

    private void WriteProtectionRaised()
    {
        Volatile.Write(ref _revokeStores, 1);
        foreach (var hart in _harts)
        {
            hart.LookForInterrupts();
        }
    }

    private void CodePageWritten(ulong pageAddress)
    {
        _code.NotifyWrittenByDevice(pageAddress);
        foreach (var hart in _harts)
        {
            hart.LookForInterrupts();
        }
    }
}
