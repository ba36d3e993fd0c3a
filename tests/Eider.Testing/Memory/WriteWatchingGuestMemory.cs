using Eider.Hardware.Memory;

namespace Eider.Testing.Memory;

/// <summary>
/// Remembers every range that a device writes, and which of them came when no write was allowed any more: after a
/// reset, outside of its buffers, to a read-only one.
/// </summary>
/// <remarks>
/// A write lease is checked by its bytes: while writing is allowed what the release reports counts, and from
/// <see cref="Forbid"/> on every byte that changed, reported or not.
/// </remarks>
/// <param name="inner">The memory behind it.</param>
public sealed class WriteWatchingGuestMemory(GuestMemory inner) : GuestMemoryDecorator(inner)
{
    private readonly Lock _gate = new();
    private readonly List<GuestWrite> _writes = [];
    private readonly List<(ulong Address, Memory<byte> Memory, byte[]? Before)> _leased = [];
    private bool _isForbidden;

    /// <summary>Everything written so far, in order.</summary>
    public IReadOnlyList<GuestWrite> Writes
    {
        get
        {
            lock (_gate)
            {
                return [.. _writes];
            }
        }
    }

    /// <summary>What was written though it was forbidden.</summary>
    public IReadOnlyList<GuestWrite> ForbiddenWrites => [.. Writes.Where(write => write.IsForbidden)];

    /// <summary>Every byte written so far.</summary>
    public IReadOnlySet<ulong> WrittenAddresses
    {
        get
        {
            var addresses = new HashSet<ulong>();
            foreach (var write in Writes)
            {
                for (var i = 0; i < write.LengthBytes; i++)
                {
                    addresses.Add(write.Address + (ulong)i);
                }
            }

            return addresses;
        }
    }

    /// <summary>From now on every write is forbidden, also through leases that are out.</summary>
    public void Forbid()
    {
        lock (_gate)
        {
            _isForbidden = true;
            for (var i = 0; i < _leased.Count; i++)
            {
                _leased[i] = _leased[i] with { Before = _leased[i].Memory.ToArray() };
            }
        }
    }

    /// <summary>Writes are allowed again, and those so far are forgotten.</summary>
    public void Allow()
    {
        lock (_gate)
        {
            _isForbidden = false;
            _writes.Clear();
        }
    }

    /// <inheritdoc/>
    protected override void OnWritten(ulong address, int lengthBytes) => Record(address, lengthBytes);

    /// <inheritdoc/>
    protected override Memory<byte> OnLeased(in GuestLease taken)
    {
        if (taken.Access == GuestMemoryAccess.Write)
        {
            lock (_gate)
            {
                _leased.Add((taken.Address, taken.Memory, _isForbidden ? taken.Memory.ToArray() : null));
            }
        }

        return taken.Memory;
    }

    /// <inheritdoc/>
    protected override void OnReturned(in GuestLease lease, int writtenBytes)
    {
        var address = lease.Address;
        var memory = lease.Memory;
        lock (_gate)
        {
            var index = _leased.FindIndex(entry => entry.Address == address && entry.Memory.Equals(memory));
            var before = index < 0 ? null : _leased[index].Before;
            if (index >= 0)
            {
                _leased.RemoveAt(index);
            }

            if (before is null)
            {
                Record(address, writtenBytes);
                return;
            }

            var same = memory.Span.CommonPrefixLength(before);
            if (same < before.Length)
            {
                var last = before.Length - 1;
                while (memory.Span[last] == before[last])
                {
                    last--;
                }

                Record(address + (ulong)same, last - same + 1);
            }
        }
    }

    private void Record(ulong address, int lengthBytes)
    {
        if (lengthBytes > 0)
        {
            lock (_gate)
            {
                _writes.Add(new GuestWrite(address, lengthBytes, _isForbidden));
            }
        }
    }
}
