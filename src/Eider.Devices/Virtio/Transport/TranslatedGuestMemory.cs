using Eider.Hardware.Memory;

namespace Eider.Devices.Virtio.Transport;

/// <summary>Guest memory behind a translation: each access is cut where the translation changes.</summary>
/// <param name="memory">The RAM behind it.</param>
/// <param name="translation">The translation.</param>
public sealed class TranslatedGuestMemory(GuestMemory memory, IDmaTranslation translation) : GuestMemory
{
    // A range is walked piece by piece; a translation of single bytes must not make that endless.
    private const int MaxPieces = 1 << 16;

    /// <inheritdoc/>
    public override bool Contains(ulong address, ulong lengthBytes)
    {
        for (var pieces = 0; lengthBytes != 0; pieces++)
        {
            if (pieces == MaxPieces || !TryPiece(address, lengthBytes, GuestMemoryAccess.Read, out var physical, out var take)
                || !memory.Contains(physical, take))
            {
                return false;
            }

            lengthBytes -= take;
            if (lengthBytes != 0 && take > ulong.MaxValue - address)
            {
                return false; // wraps around
            }

            address = unchecked(address + take);
        }

        return true;
    }

    /// <inheritdoc/>
    public override bool TryRead(ulong address, Span<byte> destination)
    {
        if (!Contains(address, (ulong)destination.Length))
        {
            return false;
        }

        while (!destination.IsEmpty)
        {
            if (!TryPiece(address, (ulong)destination.Length, GuestMemoryAccess.Read, out var physical, out var take)
                || !memory.TryRead(physical, destination[..(int)take]))
            {
                return false;
            }

            destination = destination[(int)take..];
            address = unchecked(address + take);
        }

        return true;
    }

    /// <inheritdoc/>
    public override bool TryWrite(ulong address, ReadOnlySpan<byte> source)
    {
        if (!Contains(address, (ulong)source.Length))
        {
            return false;
        }

        while (!source.IsEmpty)
        {
            if (!TryPiece(address, (ulong)source.Length, GuestMemoryAccess.Write, out var physical, out var take)
                || !memory.TryWrite(physical, source[..(int)take]))
            {
                return false;
            }

            source = source[(int)take..];
            address = unchecked(address + take);
        }

        return true;
    }

    /// <inheritdoc/>
    public override bool TryReadUInt16Acquire(ulong address, out ushort value)
    {
        value = 0;
        return TryPiece(address, 2, GuestMemoryAccess.Read, out var physical, out var take)
            && take == 2 && memory.TryReadUInt16Acquire(physical, out value);
    }

    /// <inheritdoc/>
    public override bool TryWriteUInt16Release(ulong address, ushort value) =>
        TryPiece(address, 2, GuestMemoryAccess.Write, out var physical, out var take)
            && take == 2 && memory.TryWriteUInt16Release(physical, value);

    /// <inheritdoc/>
    /// <remarks>
    /// Only the piece that is lent is looked at. Whoever lends out a long range asks for its rest again and again: to
    /// walk all of it each time would cost the square of its pieces.
    /// </remarks>
    public override bool TryLease(ulong address, uint lengthBytes, GuestMemoryAccess access, out GuestLease lease)
    {
        lease = default;
        return lengthBytes != 0 && TryPiece(address, lengthBytes, access, out var physical, out var take)
            && memory.TryLease(physical, (uint)take, access, out lease);
    }

    /// <summary>Never called: a lease belongs to the RAM behind.</summary>
    /// <exception cref="InvalidOperationException">Always.</exception>
    protected override void ReturnLease(in GuestLease lease, int writtenBytes) =>
        throw new InvalidOperationException("a lease of translated memory is returned to the RAM behind it");

    private bool TryPiece(ulong address, ulong lengthBytes, GuestMemoryAccess access, out ulong physical, out ulong take)
    {
        if (!translation.TryTranslate(address, access, out physical, out var contiguous) || contiguous == 0)
        {
            take = 0;
            return false;
        }

        take = Math.Min(lengthBytes, contiguous);
        return true;
    }
}
