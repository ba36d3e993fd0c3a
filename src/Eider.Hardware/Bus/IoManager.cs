using Eider.Hardware.Lifecycle;
using Eider.Hardware.Resources;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Eider.Hardware.Bus;

/// <summary>
/// Hands port and memory-mapped accesses to the devices that claimed the addresses. Lookup takes no lock: an
/// immutable map is swapped whole when devices come and go.
/// </summary>
/// <remarks>
/// <para>
/// After <see cref="Unregister"/> or <see cref="IoTransaction.Commit"/> no call reaches a device that left.
/// Called from outside of an access they wait for the last call inside; called by a device inside an access (a
/// hart moves a BAR) they never wait: new lookups miss at once, and the task that they return completes when the
/// last call has left. Its continuations run on the thread of that call, so they must be short.
/// </para>
/// <para>
/// A memory-mapped access that runs over the end of a range is refused. A port access that does is split into
/// bytes, each to whoever claims it, as the ISA bus does it.
/// </para>
/// <para>What a device throws is a bug of ours: it passes through to the engine, which stops the machine.</para>
/// </remarks>
public sealed partial class IoManager
{
    private readonly Lock _gate = new();
    private BusMap _map = BusMap.Empty;
    private bool _hasTransaction; // guarded by _gate
    private long _missed;
    private long _refused;

    /// <summary>An empty bus.</summary>
    public IoManager()
    {
    }

    private IoManager(BusMap map) => _map = map;

    /// <summary>Where accesses are traced to; null costs one test an access.</summary>
    public ITraceSink? Trace { get; set; }

    /// <summary>Where misses and refused accesses are reported: the 1st, 2nd, 4th, 8th and so on, so that a guest floods nothing.</summary>
    public ILogger Logger { get; set; } = NullLogger.Instance;

    /// <summary>Accesses that nobody claimed.</summary>
    public long MissedAccesses => Volatile.Read(ref _missed);

    /// <summary>Accesses that left the claimed range, had a bad width, or were refused by the device.</summary>
    public long RefusedAccesses => Volatile.Read(ref _refused);

    /// <summary>All ranges that are registered, ports first, each space by address.</summary>
    public IReadOnlyList<BusRegistration> Registrations
    {
        get
        {
            var map = Volatile.Read(ref _map);
            return [.. Describe(IoSpace.Pio, map.Pio), .. Describe(IoSpace.Mmio, map.Mmio)];
        }
    }

    /// <summary>
    /// Registers a device for the port and memory-mapped ranges of a list, all or none; other kinds are skipped.
    /// Works also while a transaction is open, which then takes it into account when it commits.
    /// </summary>
    /// <exception cref="BusOverlapException">A range is empty, wraps around or overlaps; nothing is registered then.</exception>
    public void Register(IDeviceIo device, DeviceResources resources)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(resources);
        lock (_gate)
        {
            Volatile.Write(ref _map, _map.With(device, resources));
        }
    }

    /// <summary>
    /// Takes the port and memory-mapped ranges of a list away from the device that registered exactly them, all or
    /// none; other kinds are skipped. See the remarks of the class for who waits.
    /// </summary>
    /// <returns>Completes when the last call through these ranges has left.</returns>
    /// <exception cref="BusOwnershipException">A range is not registered, or another device did it.</exception>
    public Task Unregister(IDeviceIo device, DeviceResources resources)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(resources);
        Task[] leaving;
        lock (_gate)
        {
            leaving = Install(_map.Without(device, resources));
        }

        return WaitUnlessInside(leaving);
    }

    /// <summary>Begins a change of several devices that takes effect at once, or not at all.</summary>
    /// <exception cref="InvalidOperationException">A transaction is open, on this thread or on another.</exception>
    public IoTransaction BeginTransaction()
    {
        lock (_gate)
        {
            if (_hasTransaction)
            {
                throw new InvalidOperationException("a bus transaction is open already; commit or cancel it first");
            }

            _hasTransaction = true;
            return new IoTransaction(this, _map);
        }
    }

    /// <summary>A bus of its own with the same devices at the same places. An open transaction is not taken along.</summary>
    public IoManager Clone() => new(Volatile.Read(ref _map).Copy()) { Trace = Trace, Logger = Logger };

    /// <summary>
    /// True if both have the same ranges in both spaces, and behind each a device that traps the same resources;
    /// the devices themselves may differ.
    /// </summary>
    public bool HasSameMapAs(IoManager other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Volatile.Read(ref _map).IsSameAs(Volatile.Read(ref other._map));
    }

    /// <summary>A memory-mapped read of 1 to 8 bytes. A miss reads all ones.</summary>
    public BusResult MmioRead(IoAddress address, Span<byte> data)
    {
        var result = Read(IoSpace.Mmio, address.Value, data);
        return result.Status == BusStatus.Ok && Trace is null ? result : Conclude(IoSpace.Mmio, address.Value, data, result);
    }

    /// <summary>A memory-mapped write of 1 to 8 bytes. A miss drops them.</summary>
    public BusResult MmioWrite(IoAddress address, ReadOnlySpan<byte> data)
    {
        var result = Write(IoSpace.Mmio, address.Value, data);
        return result.Status == BusStatus.Ok && Trace is null ? result : Conclude(IoSpace.Mmio, address.Value, data, result);
    }

    /// <summary>A port read of 1, 2 or 4 bytes. A miss reads all ones.</summary>
    public BusResult PioRead(PioAddress port, Span<byte> data)
    {
        var result = Read(IoSpace.Pio, port.Value, data);
        if (result.Status == BusStatus.Ok && Trace is null)
        {
            return result;
        }

        return result.Status is BusStatus.NoDevice or BusStatus.Unaligned && MustSplit(port, data.Length)
            ? SplitRead(port, data)
            : Conclude(IoSpace.Pio, port.Value, data, result);
    }

    /// <summary>A port write of 1, 2 or 4 bytes. A miss drops them.</summary>
    public BusResult PioWrite(PioAddress port, ReadOnlySpan<byte> data)
    {
        var result = Write(IoSpace.Pio, port.Value, data);
        if (result.Status == BusStatus.Ok && Trace is null)
        {
            return result;
        }

        return result.Status is BusStatus.NoDevice or BusStatus.Unaligned && MustSplit(port, data.Length)
            ? SplitWrite(port, data)
            : Conclude(IoSpace.Pio, port.Value, data, result);
    }

    /// <summary>The transaction's operations over, its map becomes the one in use.</summary>
    internal Task Commit(IoTransaction transaction) => WaitUnlessInside(InstallOf(transaction));

    /// <summary>The same, but nobody waits.</summary>
    internal Task CommitAsync(IoTransaction transaction) => Task.WhenAll(InstallOf(transaction));

    internal void Cancel()
    {
        lock (_gate)
        {
            _hasTransaction = false;
        }
    }

    private static IEnumerable<BusRegistration> Describe(IoSpace space, BusSpaceMap map) =>
        map.Ranges.Select(range => new BusRegistration(space, range.Base, range.Size, range.Device));

    private static Task WaitUnlessInside(Task[] leaving)
    {
        var left = leaving.Length == 0 ? Task.CompletedTask : Task.WhenAll(leaving);
        if (BusRange.Depth == 0)
        {
            left.GetAwaiter().GetResult();
        }

        return left;
    }

    private static bool IsValidWidth(IoSpace space, int lengthBytes) =>
        space == IoSpace.Pio ? lengthBytes is 1 or 2 or 4 : lengthBytes is >= 1 and <= 8;

    private Task[] InstallOf(IoTransaction transaction)
    {
        lock (_gate)
        {
            // May throw, when devices came in between that are now in the way: the transaction stays open.
            var leaving = Install(transaction.Rebase(_map));
            _hasTransaction = false;
            return leaving;
        }
    }

    private Task[] Install(BusMap next)
    {
        var previous = _map;
        Volatile.Write(ref _map, next);
        // The new map shows before a range closes: a lookup that finds it closed looks again and misses it.
        return [.. previous.MissingIn(next).Select(range => range.Close())];
    }

    private BusResult Read(IoSpace space, ulong address, Span<byte> data)
    {
        if (!TryEnter(space, address, data.Length, out var range, out var status))
        {
            return status;
        }

        try
        {
            return space == IoSpace.Mmio
                ? range.Device.Read(range.Base, address - range.Base, data)
                : range.Device.PioRead((ushort)range.Base, (ushort)(address - range.Base), data);
        }
        finally
        {
            range.Leave();
        }
    }

    private BusResult Write(IoSpace space, ulong address, ReadOnlySpan<byte> data)
    {
        if (!TryEnter(space, address, data.Length, out var range, out var status))
        {
            return status;
        }

        try
        {
            return space == IoSpace.Mmio
                ? range.Device.Write(range.Base, address - range.Base, data)
                : range.Device.PioWrite((ushort)range.Base, (ushort)(address - range.Base), data);
        }
        finally
        {
            range.Leave();
        }
    }

    private bool TryEnter(IoSpace space, ulong address, int lengthBytes, out BusRange range, out BusStatus status)
    {
        range = null!;
        if (!IsValidWidth(space, lengthBytes))
        {
            status = BusStatus.InvalidSize;
            return false;
        }

        while (true)
        {
            var map = Volatile.Read(ref _map);
            var found = (space == IoSpace.Mmio ? map.Mmio : map.Pio).Find(address);
            if (found is null || (ulong)lengthBytes > found.Size - (address - found.Base))
            {
                status = found is null ? BusStatus.NoDevice : BusStatus.Unaligned;
                return false;
            }

            // Refused only if the range left the map after it was read: the next look sees a newer map.
            if (found.TryEnter())
            {
                range = found;
                status = BusStatus.Ok;
                return true;
            }
        }
    }

    // A port access that no single range holds, but that some range has a part in.
    private bool MustSplit(PioAddress port, int lengthBytes)
    {
        var map = Volatile.Read(ref _map).Pio;
        var last = port.Value + (ulong)lengthBytes - 1;
        return map.Find(port.Value) is { } range ? last > range.Last : map.Intersects(port.Value, last);
    }

    private BusResult SplitRead(PioAddress port, Span<byte> data)
    {
        for (var i = 0; i < data.Length; i++)
        {
            var part = data.Slice(i, 1);
            // A byte that is not ready yet cannot hold up its neighbours: it reads as if nobody drove it.
            if (port.Value + i > ushort.MaxValue || PioRead((ushort)(port.Value + i), part).Status != BusStatus.Ok)
            {
                part[0] = 0xFF;
            }
        }

        return BusStatus.Ok;
    }

    private BusResult SplitWrite(PioAddress port, ReadOnlySpan<byte> data)
    {
        for (var i = 0; i < data.Length && port.Value + i <= ushort.MaxValue; i++)
        {
            _ = PioWrite((ushort)(port.Value + i), data.Slice(i, 1));
        }

        return BusStatus.Ok;
    }

    // Off the fast path: a failure, or somebody traces.
    private BusResult Conclude(IoSpace space, ulong address, Span<byte> data, BusResult result)
    {
        if (result.Status is not (BusStatus.Ok or BusStatus.Pending))
        {
            data.Fill(0xFF);
        }

        Report(space, address, IoDirection.Read, data, result.Status);
        return result;
    }

    private BusResult Conclude(IoSpace space, ulong address, ReadOnlySpan<byte> data, BusResult result)
    {
        Report(space, address, IoDirection.Write, data, result.Status);
        return result;
    }

    private void Report(IoSpace space, ulong address, IoDirection direction, ReadOnlySpan<byte> data, BusStatus status)
    {
        if (status is not (BusStatus.Ok or BusStatus.Pending))
        {
            var count = Interlocked.Increment(ref status == BusStatus.NoDevice ? ref _missed : ref _refused);
            if (long.IsPow2(count))
            {
                LogFailure(Logger, direction, data.Length, space, address, status, count);
            }
        }

        var category = space == IoSpace.Mmio ? TraceCategory.Mmio : TraceCategory.Pio;
        Trace?.Emit(new TraceEvent(
            category, space == IoSpace.Mmio ? "mmio" : "pio", Operation(direction, status), address, ToUInt64(data), (uint)data.Length));
    }

    private static ulong ToUInt64(ReadOnlySpan<byte> data)
    {
        var value = 0UL;
        for (var i = Math.Min(data.Length, sizeof(ulong)) - 1; i >= 0; i--)
        {
            value = (value << 8) | data[i];
        }

        return value;
    }

    private static string Operation(IoDirection direction, BusStatus status) => (direction, status) switch
    {
        (IoDirection.Read, BusStatus.Ok) => "read",
        (IoDirection.Read, BusStatus.Pending) => "read-pending",
        (IoDirection.Read, BusStatus.NoDevice) => "read-missed",
        (IoDirection.Read, _) => "read-refused",
        (_, BusStatus.Ok) => "write",
        (_, BusStatus.Pending) => "write-pending",
        (_, BusStatus.NoDevice) => "write-missed",
        _ => "write-refused",
    };

    [LoggerMessage(LogLevel.Debug, "{Direction} of {LengthBytes} bytes at {Space} 0x{Address:x}: {Status} (number {Count})")]
    private static partial void LogFailure(
        ILogger logger, IoDirection direction, int lengthBytes, IoSpace space, ulong address, BusStatus status, long count);
}
