using Eider.Hardware.Memory;
using Eider.Testing.Memory;

namespace Eider.Testing.Virtio;

/// <summary>Memory between a device and RAM that tells of every access, and that can refuse and be frozen.</summary>
public sealed class WatchedMemory(GuestRam ram) : GuestMemoryDecorator(ram)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, int> _reads = [];
    private readonly HashSet<ulong> _written = [];
    private long _accesses;
    private int _leases;

    /// <summary>True refuses an access although it is RAM.</summary>
    public Func<ulong, GuestMemoryAccess, bool>? Refuses { get; set; }

    /// <summary>Set: each write is reported as wrong.</summary>
    public bool IsFrozen { get; set; }

    /// <summary>Writes made while frozen.</summary>
    public List<string> WritesWhileFrozen { get; } = [];

    /// <summary>Number of copies in and out so far.</summary>
    public long Accesses => Interlocked.Read(ref _accesses);

    /// <summary>Leases that are out.</summary>
    public int Leases => Volatile.Read(ref _leases);

    /// <summary>Addresses of all bytes written.</summary>
    public IReadOnlySet<ulong> Written => _written;

    /// <summary>The bytes read more than once.</summary>
    public IEnumerable<ulong> ReadTwice => _reads.Where(pair => pair.Value > 1).Select(pair => pair.Key);

    /// <summary>How often a byte was read.</summary>
    public int ReadsOf(ulong address) => _reads.GetValueOrDefault(address);

    /// <summary>Forgets what was read and written.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            _reads.Clear();
            _written.Clear();
        }
    }

    protected override bool MayAccess(ulong address, ulong lengthBytes, GuestMemoryAccess access) => Refuses?.Invoke(address, access) != true;

    protected override void OnRead(ulong address, Span<byte> bytes)
    {
        Interlocked.Increment(ref _accesses);
        lock (_gate)
        {
            for (var i = 0; i < bytes.Length; i++)
            {
                _reads[address + (ulong)i] = _reads.GetValueOrDefault(address + (ulong)i) + 1;
            }
        }
    }

    protected override void OnWritten(ulong address, int lengthBytes)
    {
        Interlocked.Increment(ref _accesses);
        lock (_gate)
        {
            if (IsFrozen)
            {
                WritesWhileFrozen.Add($"0x{address:x}+{lengthBytes}");
            }

            for (var i = 0; i < lengthBytes; i++)
            {
                _written.Add(address + (ulong)i);
            }
        }
    }

    protected override Memory<byte> OnLeased(in GuestLease taken)
    {
        Interlocked.Increment(ref _leases);
        return taken.Memory;
    }

    protected override void OnReturned(in GuestLease lease, int writtenBytes)
    {
        Interlocked.Decrement(ref _leases);
        if (writtenBytes != 0)
        {
            OnWritten(lease.Address, writtenBytes);
        }
    }
}
