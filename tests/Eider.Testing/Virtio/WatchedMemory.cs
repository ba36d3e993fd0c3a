using Eider.Hardware.Memory;

namespace Eider.Testing.Virtio;

/// <summary>
/// Memory between a device and RAM that tells of every access, can change what a second read of a byte sees, and
/// can refuse.
/// </summary>
public sealed class WatchedMemory(GuestRam ram) : GuestMemory
{
    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, int> _reads = [];
    private readonly HashSet<ulong> _written = [];
    private long _accesses;
    private int _leases;

    /// <summary>Called before each read with the address of each byte that was read before; may change RAM.</summary>
    public Action<ulong>? SecondRead { get; set; }

    /// <summary>True refuses an access although it is RAM.</summary>
    public Func<ulong, GuestMemoryAccess, bool>? Refuses { get; set; }

    /// <summary>Set: each write is reported as wrong.</summary>
    public bool IsFrozen { get; set; }

    /// <summary>Writes made while frozen.</summary>
    public List<string> WritesWhileFrozen { get; } = [];

    /// <summary>Number of accesses so far.</summary>
    public long Accesses => Interlocked.Read(ref _accesses);

    /// <summary>Leases that are out.</summary>
    public int Leases => Volatile.Read(ref _leases);

    /// <summary>Addresses of all bytes written.</summary>
    public IReadOnlySet<ulong> Written => _written;

    /// <summary>How often a byte was read.</summary>
    public int ReadsOf(ulong address) => _reads.GetValueOrDefault(address);

    /// <summary>The bytes read more than once.</summary>
    public IEnumerable<ulong> ReadTwice => _reads.Where(pair => pair.Value > 1).Select(pair => pair.Key);

    /// <summary>Forgets what was read and written.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            _reads.Clear();
            _written.Clear();
        }
    }

    public override bool Contains(ulong address, ulong lengthBytes) => ram.Contains(address, lengthBytes);

    public override bool TryRead(ulong address, Span<byte> destination)
    {
        NoteRead(address, destination.Length);
        return Refuses?.Invoke(address, GuestMemoryAccess.Read) != true && ram.TryRead(address, destination);
    }

    public override bool TryWrite(ulong address, ReadOnlySpan<byte> source)
    {
        NoteWrite(address, source.Length);
        return Refuses?.Invoke(address, GuestMemoryAccess.Write) != true && ram.TryWrite(address, source);
    }

    public override bool TryReadUInt16Acquire(ulong address, out ushort value)
    {
        NoteRead(address, 2);
        value = 0;
        return Refuses?.Invoke(address, GuestMemoryAccess.Read) != true && ram.TryReadUInt16Acquire(address, out value);
    }

    public override bool TryWriteUInt16Release(ulong address, ushort value)
    {
        NoteWrite(address, 2);
        return Refuses?.Invoke(address, GuestMemoryAccess.Write) != true && ram.TryWriteUInt16Release(address, value);
    }

    public override bool TryLease(ulong address, uint lengthBytes, GuestMemoryAccess access, out GuestLease lease)
    {
        lease = default;
        if (Refuses?.Invoke(address, access) == true || !ram.TryLease(address, lengthBytes, access, out var inner))
        {
            return false;
        }

        Interlocked.Increment(ref _leases);
        lease = new GuestLease(this, address, access, inner.Memory);
        return true;
    }

    protected internal override void ReturnLease(in GuestLease lease, int writtenBytes)
    {
        Interlocked.Decrement(ref _leases);
        if (writtenBytes != 0)
        {
            NoteWrite(lease.Address, writtenBytes);
        }

        new GuestLease(ram, lease.Address, lease.Access, lease.Memory).Release(writtenBytes);
    }

    private void NoteRead(ulong address, int length)
    {
        Interlocked.Increment(ref _accesses);
        lock (_gate)
        {
            for (var i = 0; i < length; i++)
            {
                var at = address + (ulong)i;
                var count = _reads.GetValueOrDefault(at) + 1;
                _reads[at] = count;
                if (count > 1)
                {
                    SecondRead?.Invoke(at);
                }
            }
        }
    }

    private void NoteWrite(ulong address, int length)
    {
        Interlocked.Increment(ref _accesses);
        lock (_gate)
        {
            if (IsFrozen)
            {
                WritesWhileFrozen.Add($"0x{address:x}+{length}");
            }

            for (var i = 0; i < length; i++)
            {
                _written.Add(address + (ulong)i);
            }
        }
    }
}
