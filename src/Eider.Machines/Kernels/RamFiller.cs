using Eider.Hardware.Memory;

namespace Eider.Machines.Kernels;

/// <summary>Copies streams into guest memory that nobody uses yet.</summary>
internal static class RamFiller
{
    // Stays in the second cache between its two copies.
    private const int PieceBytes = 256 << 10;

    /// <summary>Copies until the stream ends or a number of bytes is reached.</summary>
    /// <param name="ram">Where to; the whole range must be RAM.</param>
    /// <param name="address">Guest-physical address of the first byte.</param>
    /// <param name="source">Where from.</param>
    /// <param name="maxBytes">Where to stop.</param>
    /// <returns>How many bytes were copied.</returns>
    public static ulong Fill(GuestRam ram, ulong address, Stream source, ulong maxBytes)
    {
        if (maxBytes == 0)
        {
            return 0; // nothing, such as an empty ramdisk, may lie at the end of RAM
        }

        var region = Find(ram, address);
        var room = Math.Min(maxBytes, region.SizeBytes - (address - region.Base));
        var piece = new byte[(int)Math.Min(PieceBytes, room)];
        var done = 0UL;
        while (done < room)
        {
            var read = source.Read(piece.AsSpan(0, (int)Math.Min((ulong)piece.Length, room - done)));
            if (read == 0)
            {
                return done;
            }

            Write(ram, region, address + done, piece.AsSpan(0, read));
            done += (ulong)read;
        }

        return done == maxBytes ? done : done + Fill(ram, address + done, source, maxBytes - done);
    }

    // Into the file behind the memory where there is one: the kernel makes its pages from what is written, and need not
    // clear them first and take a fault for each. Half the time of the first use through the mapping.
    private static void Write(GuestRam ram, GuestRamRegion region, ulong address, ReadOnlySpan<byte> bytes)
    {
        if (region.SharedHandle is { } file)
        {
            RandomAccess.Write(file, bytes, (long)(address - region.Base));
        }
        else
        {
            ram.TryWrite(address, bytes);
        }
    }

    private static GuestRamRegion Find(GuestRam ram, ulong address)
    {
        foreach (var region in ram.Regions)
        {
            if (address >= region.Base && address - region.Base < region.SizeBytes)
            {
                return region;
            }
        }

        throw new ArgumentOutOfRangeException(nameof(address), "the address is not RAM");
    }
}
