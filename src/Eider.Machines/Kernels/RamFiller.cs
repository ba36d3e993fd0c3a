using Eider.Hardware.Memory;

namespace Eider.Machines.Kernels;

/// <summary>Copies streams into guest memory without a copy in between.</summary>
internal static class RamFiller
{
    private const uint PieceBytes = 1 << 20;

    /// <summary>Copies until the stream ends or a number of bytes is reached.</summary>
    /// <param name="ram">Where to; the whole range must be RAM.</param>
    /// <param name="address">Guest-physical address of the first byte.</param>
    /// <param name="source">Where from.</param>
    /// <param name="maxBytes">Where to stop.</param>
    /// <returns>How many bytes were copied.</returns>
    public static ulong Fill(GuestMemory ram, ulong address, Stream source, ulong maxBytes)
    {
        var done = 0UL;
        while (done < maxBytes)
        {
            var wished = (uint)Math.Min(PieceBytes, maxBytes - done);
            if (!ram.TryLease(address + done, wished, GuestMemoryAccess.Write, out var lease))
            {
                throw new ArgumentOutOfRangeException(nameof(maxBytes), "the range is not RAM");
            }

            var read = 0;
            try
            {
                read = source.Read(lease.Memory.Span);
            }
            finally
            {
                lease.Release(read);
            }

            if (read == 0)
            {
                break;
            }

            done += (ulong)read;
        }

        return done;
    }
}
