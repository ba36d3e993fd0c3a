using Eider.Hardware.Memory;

namespace Eider.Testing.Memory;

/// <summary>
/// Counts what a device does to guest memory: for bounds on the work of a doorbell, for leases that never come
/// back, and for bytes that are read twice (double fetch).
/// </summary>
/// <param name="inner">The memory behind it.</param>
public sealed class CountingGuestMemory(GuestMemory inner) : GuestMemoryDecorator(inner)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, int> _readsOfByte = [];
    private readonly List<(ulong Address, Memory<byte> Memory)> _leased = [];

    /// <summary>Copies out of guest memory, ring fields too.</summary>
    public int Reads { get; private set; }

    /// <summary>Bytes of those.</summary>
    public long ReadBytes { get; private set; }

    /// <summary>Copies into guest memory, ring fields too.</summary>
    public int Writes { get; private set; }

    /// <summary>Bytes of those, and bytes reported by write leases.</summary>
    public long WrittenBytes { get; private set; }

    /// <summary>Leases taken.</summary>
    public int Leases { get; private set; }

    /// <summary>Leases not returned yet.</summary>
    public int OutstandingLeases
    {
        get
        {
            lock (_gate)
            {
                return _leased.Count;
            }
        }
    }

    /// <summary>Leases that were returned though they were not out: each is a bug of the device.</summary>
    public int LeasesReturnedTwice { get; private set; }

    /// <summary>How often a byte was copied out; leases do not count.</summary>
    public int TimesRead(ulong address)
    {
        lock (_gate)
        {
            return _readsOfByte.GetValueOrDefault(address);
        }
    }

    /// <summary>Addresses in a range that were copied out more than once.</summary>
    public IReadOnlyList<ulong> ReadTwice(ulong address, ulong lengthBytes)
    {
        lock (_gate)
        {
            return [.. _readsOfByte.Where(entry => entry.Value > 1 && entry.Key - address < lengthBytes && entry.Key >= address)
                .Select(entry => entry.Key).Order()];
        }
    }

    /// <summary>Forgets all counts; leases that are out stay known.</summary>
    public void Reset()
    {
        lock (_gate)
        {
            Reads = Writes = Leases = 0;
            ReadBytes = WrittenBytes = 0;
            _readsOfByte.Clear();
        }
    }

    /// <inheritdoc/>
    protected override void OnRead(ulong address, Span<byte> bytes)
    {
        lock (_gate)
        {
            Reads++;
            ReadBytes += bytes.Length;
            for (var i = 0; i < bytes.Length; i++)
            {
                var at = address + (ulong)i;
                _readsOfByte[at] = _readsOfByte.GetValueOrDefault(at) + 1;
            }
        }
    }

    /// <inheritdoc/>
    protected override void OnWritten(ulong address, int lengthBytes)
    {
        lock (_gate)
        {
            Writes++;
            WrittenBytes += lengthBytes;
        }
    }

    /// <inheritdoc/>
    protected override Memory<byte> OnLeased(in GuestLease taken)
    {
        lock (_gate)
        {
            Leases++;
            _leased.Add((taken.Address, taken.Memory));
        }

        return taken.Memory;
    }

    /// <inheritdoc/>
    protected override void OnReturned(in GuestLease lease, int writtenBytes)
    {
        lock (_gate)
        {
            WrittenBytes += writtenBytes;
            LeasesReturnedTwice += _leased.Remove((lease.Address, lease.Memory)) ? 0 : 1;
        }
    }
}
