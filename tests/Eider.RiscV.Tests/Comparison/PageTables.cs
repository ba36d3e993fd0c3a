namespace Eider.RiscV.Tests.Comparison;

/// <summary>Page tables full of good and bad entries; every entry is a pure function of the seed and its place.</summary>
internal static class PageTables
{
    public const int LeafSlots = Layout.LeafTableCount * 512;

    private const ulong Valid = 1;
    private const ulong Read = 2;
    private const ulong Write = 4;
    private const ulong Execute = 8;
    private const ulong User = 16;
    private const ulong Accessed = 64;
    private const ulong Dirty = 128;

    private static readonly ulong[] Permissions =
    [
        Read, Read | Write, Read | Write, Read | Write, Read | Execute, Read | Write | Execute, Read | Write | Execute, Execute, Write,
        Write | Execute,
    ];

    /// <summary>Slots 2 and 3 of four are for code, 0 and 1 for data; those with bit 2 set are accessed already and map to RAM, for AMOs.</summary>
    public static bool IsCodeSlot(int slot) => (slot & 2) != 0;

    public static void Write64(ulong seed, Action<ulong, ulong> write)
    {
        GuestRandom random = new(seed ^ 0x7061_6765);
        WriteRoots(random, write);
        for (int i = 0; i < 512; i++)
        {
            ulong entry = i < Layout.LeafTableCount
                ? Pointer(random, Layout.LeafTables + ((ulong)i * 0x1000))
                : Leaf(random, random.Chance(85) ? Layout.Data : Layout.Data + 0x1_0000, 0x20_0000);
            write(Layout.MiddleTable + ((ulong)i * 8), entry);
        }

        for (int slot = 0; slot < LeafSlots; slot++)
        {
            ulong page = IsCodeSlot(slot)
                ? Layout.EcallPages + ((ulong)random.Next(Layout.EcallPageCount) << 12)
                : Layout.DataPages + ((ulong)random.Next(Layout.DataPageCount) << 12);
            write(Layout.LeafTables + ((ulong)slot * 8), Leaf(random, page, 0x1000, forAtomics: (slot & 4) != 0));
        }
    }

    private static void WriteRoots(GuestRandom random, Action<ulong, ulong> write)
    {
        const ulong All = Valid | Read | Write | Execute | Accessed | Dirty;
        foreach (bool user in (ReadOnlySpan<bool>)[false, true])
        {
            ulong root = Layout.Root(user, 3);
            write(root + 8, (Layout.Ram >> 2) | All);
            write(root + 16, (Layout.Ram >> 2) | All | (user ? User : 0));
            write(root + 32, (Layout.MiddleTable >> 2) | Valid);
            for (ulong i = 8; i < 256; i++)
            {
                write(root + (i * 8), Leaf(random, random.Chance(80) ? Layout.Ram : Layout.Ram + 0x20_0000, 1UL << 30));
            }

            for (int levels = 4; levels <= 5; levels++)
            {
                write(Layout.Root(user, levels), (Layout.Root(user, levels - 1) >> 2) | Valid);
                for (ulong i = 1; i < 256; i++)
                {
                    write(Layout.Root(user, levels) + (i * 8), Leaf(random, random.Chance(80) ? 0 : Layout.Ram, 1UL << 39));
                }
            }
        }
    }

    /// <summary>A pointer to the next level; a few have bits set that are reserved in pointers.</summary>
    private static ulong Pointer(GuestRandom random, ulong table)
    {
        ulong bad = random.Chance(4) ? random.Pick([Accessed, Dirty, User, 1UL << 60]) : 0;
        return (table >> 2) | (random.Chance(97) ? Valid : 0) | bad;
    }

    private static ulong Leaf(GuestRandom random, ulong physical, ulong size, bool forAtomics = false)
    {
        physical = random.Next(20) switch
        {
            0 when !forAtomics => Layout.Hole & ~(size - 1),
            1 when size == 0x1000 && !forAtomics => 1UL << (40 + random.Next(15)),
            _ => physical,
        };
        ulong flags = random.Pick(Permissions);
        flags |= random.Chance(94) ? Valid : 0;
        flags |= random.Chance(50) ? User : 0;
        flags |= forAtomics || random.Chance(80) ? Accessed : 0;
        flags |= random.Chance(65) ? Dirty : 0;
        flags |= (ulong)random.Bits(2) << 8;
        flags |= random.Chance(20) ? 32UL : 0;
        flags |= random.Chance(4) ? 1UL << (54 + random.Next(10)) : 0;
        return (physical >> 2) | flags;
    }
}
