using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Resources;

namespace Eider.Devices.Pci;

/// <summary>
/// A PCI bus with number 0: its functions, the way to their configuration spaces, where their regions are, and the four
/// interrupt wires. Callable from any thread; functions come and go while the machine runs.
/// </summary>
/// <remarks>
/// <para>
/// Where regions are is a function of what the registers say: each write that may move one looks at all of them, and one
/// transaction of the machine's bus unregisters and registers what differs, also while a hart is inside of an access. A
/// region outside of the windows is decoded by nobody. Of two regions over each other the one with the lower device,
/// function and region number answers, the other nobody reaches until the first one is gone; a device of the machine
/// that was there before always keeps its addresses.
/// </para>
/// <para>A configuration access to a place without a function reads ones; that is how guests look for functions.</para>
/// </remarks>
public sealed class PciBus
{
    private const int MaxAttempts = 4;

    private readonly Lock _mapGate = new();
    private readonly IoManager _io;
    private readonly PciWindows _windows;
    private readonly PciInterruptWire[] _wires;
    private readonly int _swizzle;
    private readonly PciFunction?[] _functions = new PciFunction?[PciAddress.DeviceCount * PciAddress.FunctionCount];
    private readonly PciUnclaimed _unclaimed = new();
    private PciRegionIo[] _regions = []; // by device, function and region; guarded by _mapGate
    private Resource.MmioAddressRange[] _gaps = []; // where _unclaimed answers; guarded by _mapGate
    private bool _isStale;

    /// <summary>An empty bus.</summary>
    /// <param name="io">The machine's bus, where regions are registered.</param>
    /// <param name="windows">Where regions may be.</param>
    /// <param name="wires">Where INTA# to INTD# of device 0 lead to: four wires.</param>
    /// <param name="firstDevice">The device number whose INTA# is the first wire; the next device's is the second one.</param>
    /// <exception cref="ArgumentException">There are not four wires.</exception>
    public PciBus(IoManager io, PciWindows windows, IReadOnlyList<IInterruptLine> wires, int firstDevice = 0)
    {
        ArgumentNullException.ThrowIfNull(io);
        ArgumentNullException.ThrowIfNull(windows);
        ArgumentNullException.ThrowIfNull(wires);
        if (wires.Count != 4)
        {
            throw new ArgumentException($"{wires.Count} interrupt wires, expected four", nameof(wires));
        }

        _io = io;
        _windows = windows;
        _wires = [.. wires.Select(wire => new PciInterruptWire(wire))];
        _swizzle = 4 - (firstDevice & 3);
        Remap();
    }

    /// <summary>The functions and where they are, in their order.</summary>
    public IReadOnlyList<(PciAddress Address, PciFunction Function)> Functions =>
        [.. Enumerable.Range(0, _functions.Length)
            .Select(devFn => (devFn, Function: Volatile.Read(ref _functions[devFn])))
            .Where(entry => entry.Function is not null)
            .Select(entry => (new PciAddress(entry.devFn >> 3, entry.devFn & 7), entry.Function!))];

    /// <summary>Which of the four wires a pin leads to: each device number shifts them by one (PCI Local Bus 3.0, section 2.2.6).</summary>
    public int WireOf(PciAddress address, PciInterruptPin pin) => (address.Device + _swizzle + (int)pin - 1) & 3;

    /// <summary>Puts a function on the bus. Nothing of it is decoded before the guest says so.</summary>
    /// <exception cref="ArgumentException">Another one is there.</exception>
    /// <exception cref="InvalidOperationException">A bus has it already.</exception>
    public void Attach(PciFunction function, PciAddress address)
    {
        ArgumentNullException.ThrowIfNull(function);
        lock (_mapGate)
        {
            if (_functions[address.DevFn] is not null)
            {
                throw new ArgumentException($"there is a function at {address} already", nameof(address));
            }

            function.Attach(this, address);
            Volatile.Write(ref _functions[address.DevFn], function);
            _regions = [.. Functions.SelectMany(entry => entry.Function.Regions
                .OrderBy(region => region.Index)
                .Select(region => Find(entry.Function, region) ?? new PciRegionIo(entry.Function, region)))];
            MarkFunctions(address.Device);
        }
    }

    /// <summary>Takes a function off the bus: new accesses miss it at once.</summary>
    /// <returns>Completes when the last access to one of its regions has left.</returns>
    /// <exception cref="ArgumentException">The function is not on this bus.</exception>
    public Task Detach(PciFunction function)
    {
        ArgumentNullException.ThrowIfNull(function);
        Task left;
        PciAddress address;
        lock (_mapGate)
        {
            address = Functions.Where(entry => entry.Function == function).Select(entry => (PciAddress?)entry.Address).FirstOrDefault()
                ?? throw new ArgumentException("the function is not on this bus", nameof(function));
            Volatile.Write(ref _functions[address.DevFn], null);
            function.Detach();
            left = RemapLocked();
            _regions = [.. _regions.Where(region => region.Function != function)];
            MarkFunctions(address.Device);
        }

        if (function.InterruptPin != PciInterruptPin.None)
        {
            _wires[WireOf(address, function.InterruptPin)].Drive(function);
        }

        return left;
    }

    /// <summary>The reset signal: every function as it was when it was attached.</summary>
    /// <returns>Done, or pending until nothing of the old life can reach guest memory any more.</returns>
    public BusResult Reset()
    {
        var inFlight = new List<PendingAccess>();
        foreach (var (_, function) in Functions)
        {
            if (function.Reset().Pending is { } pending)
            {
                inFlight.Add(pending);
            }
        }

        lock (_mapGate)
        {
            foreach (var device in Functions.Select(entry => entry.Address.Device).Distinct())
            {
                MarkFunctions(device);
            }
        }

        return inFlight.Count == 0 ? BusResult.Ok : WaitForAll(inFlight);
    }

    /// <summary>A configuration read of 1, 2 or 4 bytes.</summary>
    /// <param name="bus">Bus number; there is only 0.</param>
    /// <param name="devFn">Device number times eight, and function number.</param>
    /// <param name="offset">The register; the access stays inside of a double word.</param>
    /// <param name="data">Where the bytes go; ones if no function is there.</param>
    public BusResult ReadConfig(int bus, int devFn, int offset, Span<byte> data)
    {
        var status = Select(bus, devFn, offset, data.Length, out var function);
        if (status == BusStatus.Ok && function is not null)
        {
            return function.ReadConfig(offset, data);
        }

        data.Fill(0xFF);
        return status;
    }

    /// <summary>A configuration write of 1, 2 or 4 bytes; dropped if no function is there.</summary>
    /// <param name="bus">Bus number; there is only 0.</param>
    /// <param name="devFn">Device number times eight, and function number.</param>
    /// <param name="offset">The register; the access stays inside of a double word.</param>
    /// <param name="data">The bytes.</param>
    public BusResult WriteConfig(int bus, int devFn, int offset, ReadOnlySpan<byte> data)
    {
        var status = Select(bus, devFn, offset, data.Length, out var function);
        return status == BusStatus.Ok && function is not null ? function.WriteConfig(offset, data) : status;
    }

    /// <summary>Looks again at where every region is.</summary>
    internal void Remap()
    {
        lock (_mapGate)
        {
            _ = RemapLocked();
        }
    }

    /// <summary>A function's pin, or what gates it, changed.</summary>
    internal void DriveInterrupt(PciFunction function)
    {
        if (function.InterruptPin != PciInterruptPin.None && function.Address is { } address)
        {
            _wires[WireOf(address, function.InterruptPin)].Drive(function);
        }
    }

    private static BusResult WaitForAll(List<PendingAccess> inFlight)
    {
        var all = new PendingAccess();
        var left = inFlight.Count;
        foreach (var pending in inFlight)
        {
            pending.OnCompleted(() =>
            {
                if (Interlocked.Decrement(ref left) == 0)
                {
                    all.Complete();
                }
            });
        }

        return BusResult.WaitFor(all);
    }

    private BusStatus Select(int bus, int devFn, int offset, int width, out PciFunction? function)
    {
        function = null;
        if (width is not (1 or 2 or 4))
        {
            return BusStatus.InvalidSize;
        }

        if ((offset & 3) + width > 4)
        {
            return BusStatus.Unaligned;
        }

        if (Volatile.Read(ref _isStale))
        {
            Remap();
        }

        // Conventional functions have no extended space: nobody answers there.
        function = bus == 0 && devFn < _functions.Length && offset < PciConfigSpace.SizeBytes
            ? Volatile.Read(ref _functions[devFn])
            : null;
        return BusStatus.Ok;
    }

    private PciRegionIo? Find(PciFunction function, PciRegion region) =>
        Array.Find(_regions, known => known.Function == function && known.Region == region);

    // Software looks at functions 1 to 7 only if function 0 says that there are some (section 6.2.1).
    private void MarkFunctions(int device)
    {
        var isMulti = Functions.Any(entry => entry.Address.Device == device && entry.Address.Function != 0);
        _functions[device * PciAddress.FunctionCount]?.Config.SetBits((int)PciRegister.HeaderType, 1, 0x80, isMulti ? 0x80U : 0);
    }

    private Task RemapLocked()
    {
        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            try
            {
                var moves = Plan();
                var gaps = Gaps(moves);
                var left = moves.Count == 0 && gaps.SequenceEqual(_gaps) ? Task.CompletedTask : Move(moves, gaps);
                Volatile.Write(ref _isStale, false);
                return left;
            }
            catch (Exception exception) when (exception is BusOverlapException or InvalidOperationException)
            {
                // A device came meanwhile where a region wanted to be: plan again around it. Or somebody has a
                // transaction open: the next configuration access tries again.
                Volatile.Write(ref _isStale, true);
            }
        }

        return Task.CompletedTask;
    }

    /// <summary>Each region that is not where it should be, and where that is: null for nowhere.</summary>
    private List<(PciRegionIo Region, ulong? Target)> Plan()
    {
        var moves = new List<(PciRegionIo, ulong?)>();
        var taken = new List<(bool IsPorts, ulong First, ulong Last)>();
        IReadOnlyList<BusRegistration>? others = null;
        foreach (var io in _regions)
        {
            var target = io.Function.Address is null ? null : io.Function.DecodedBase(io.Region);
            if (target is { } at)
            {
                var range = (io.Region.IsPorts, at, unchecked(at + (io.Region.SizeBytes - 1)));
                // Where it already is, nobody of the machine can be.
                var isFree = _windows.Hold(io.Region, at) && !taken.Exists(other => Overlap(other, range))
                    && (io.Base == at || !(others ??= Others()).Any(other => Overlap(Describe(other), range)));
                target = isFree ? at : null;
                if (isFree)
                {
                    taken.Add(range);
                }
            }

            if (target != io.Base)
            {
                moves.Add((io, target));
            }
        }

        return moves;
    }

    /// <summary>What no region will claim of the memory window.</summary>
    private Resource.MmioAddressRange[] Gaps(List<(PciRegionIo Region, ulong? Target)> moves)
    {
        if (!_windows.AnswersUnclaimed)
        {
            return [];
        }

        var targets = moves.ToDictionary(move => move.Region, move => move.Target);
        var gaps = new List<Resource.MmioAddressRange>();
        var next = _windows.FirstMemory.Value;
        foreach (var (first, size) in _regions.Where(io => !io.Region.IsPorts)
            .Select(io => (First: targets.GetValueOrDefault(io, io.Base), Size: io.Region.SizeBytes))
            .Where(range => range.First is not null).OrderBy(range => range.First))
        {
            if (first!.Value > next)
            {
                gaps.Add(new Resource.MmioAddressRange(next, first.Value - next));
            }

            next = unchecked(first.Value + size); // 0 only behind the last address there is
        }

        if (next != 0 && next <= _windows.LastMemory.Value)
        {
            gaps.Add(new Resource.MmioAddressRange(next, unchecked(_windows.LastMemory.Value - next + 1)));
        }

        return [.. gaps];
    }

    private Task Move(List<(PciRegionIo Region, ulong? Target)> moves, Resource.MmioAddressRange[] gaps)
    {
        using var transaction = _io.BeginTransaction();
        transaction.Unregister(_unclaimed, new DeviceResources(_gaps.Except(gaps)));
        foreach (var (region, _) in moves)
        {
            if (region.Base is not null)
            {
                transaction.Unregister(region, region.AssignedResources);
            }
        }

        foreach (var (region, target) in moves)
        {
            if (target is { } address)
            {
                transaction.Register(region, region.ResourcesAt(address));
            }
        }

        transaction.Register(_unclaimed, new DeviceResources(gaps.Except(_gaps)));
        var left = transaction.CommitAsync();
        _gaps = gaps;
        moves.ForEach(move => move.Region.Moved(move.Target));
        return left;
    }

    private List<BusRegistration> Others() => [.. _io.Registrations.Where(entry => entry.Device != _unclaimed && !_regions.Contains(entry.Device))];

    private static (bool IsPorts, ulong First, ulong Last) Describe(BusRegistration entry) =>
        (entry.Space == IoSpace.Pio, entry.Base.Value, entry.Base.Value + (entry.Size - 1));

    private static bool Overlap((bool IsPorts, ulong First, ulong Last) left, (bool IsPorts, ulong First, ulong Last) right) =>
        left.IsPorts == right.IsPorts && left.First <= right.Last && right.First <= left.Last;
}
