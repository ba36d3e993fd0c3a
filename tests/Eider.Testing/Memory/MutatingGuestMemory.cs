using Eider.Hardware.Memory;

namespace Eider.Testing.Memory;

/// <summary>
/// A guest that changes its memory behind the device's back: every byte shows its true value at the first read
/// and another one at each later read. A device that reads each byte once behaves the same as without it; one
/// that checks a byte and then reads it again is caught (time of check, time of use).
/// </summary>
/// <param name="inner">The memory behind it.</param>
/// <param name="isMutable">
/// Which addresses change; all if null. Ring indexes and flags, which a device polls, are best left out.
/// </param>
public sealed class MutatingGuestMemory(GuestMemory inner, Func<ulong, bool>? isMutable = null) : GuestMemoryDecorator(inner)
{
    private readonly Lock _gate = new();
    private readonly HashSet<ulong> _read = [];

    /// <summary>Bytes that showed another value than the true one.</summary>
    public int Mutations { get; private set; }

    /// <summary>Forgets what was read: the next read of each byte is a first one again. Call it between requests.</summary>
    public void Reset()
    {
        lock (_gate)
        {
            _read.Clear();
        }
    }

    /// <inheritdoc/>
    protected override void OnRead(ulong address, Span<byte> bytes)
    {
        lock (_gate)
        {
            for (var i = 0; i < bytes.Length; i++)
            {
                var at = address + (ulong)i;
                if ((isMutable is null || isMutable(at)) && !_read.Add(at))
                {
                    bytes[i] ^= 0xFF;
                    Mutations++;
                }
            }
        }
    }

    /// <inheritdoc/>
    protected override Memory<byte> OnLeased(in GuestLease taken)
    {
        if (taken.Access == GuestMemoryAccess.Write)
        {
            return taken.Memory;
        }

        // A read lease shows a copy: one read of all its bytes.
        var copy = taken.Memory.ToArray();
        OnRead(taken.Address, copy);
        return copy;
    }
}
