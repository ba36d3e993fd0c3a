namespace Eider.RiscV.Tests.Comparison;

/// <summary>Accesses through Sv39, Sv48 and Sv57 with entries of all sorts, and through PMP entries.</summary>
internal static class PagingBlocks
{
    public static void Fill(BlockBuilder builder)
    {
        GuestRandom random = builder.Random;
        int levels = random.Next(10) switch { < 6 => 3, < 9 => 4, _ => 5 };
        ulong mode = random.Pick<ulong>([0, 0, 1, 1, 1, 3]);
        bool user = mode == 3 ? random.Chance(50) : mode == 0;
        ulong status = random.Next() & (Csr.StatusSum | Csr.StatusMxr);
        builder.SetMode(mode, status);
        builder.Block[Csr.Satp] = ((ulong)(levels + 5) << 60) | ((ulong)random.Bits(2) << 44) | (Layout.Root(user, levels) >> 12);
        builder.Block[Csr.Stvec] = Layout.StubAlias + (Layout.Stub - Layout.Ram);
        builder.Block[Csr.Medeleg] = random.Chance(30) ? random.Next() & Csr.DelegableExceptions & ~(1UL << 9) : 0;
        if (mode == 3)
        {
            // Loads and stores as U or S, fetches without translation.
            int bits = builder.Prepare(Csr.StatusMprv | (user ? 0 : 1UL << Csr.StatusMppShift));
            builder.Emit(Encoder.Csrrs(0, Csr.Mstatus, bits), $"csrs mstatus, x{bits}");
        }

        int count = 1 + random.Next(6);
        for (int i = 0; i < count; i++)
        {
            EmitDataAccess(builder, levels);
        }

        if (mode != 3 && random.Chance(40))
        {
            int target = builder.Prepare(Address(random, levels, code: true) & ~1UL);
            builder.Emit(Encoder.I(0x67, 1, target, 0), $"jalr x1, (x{target}) # {builder.Block.X[target]:x}");
        }
    }

    /// <summary>S or U without translation; PMP entries 0 and 1 close some pages of the data.</summary>
    public static void FillProtection(BlockBuilder builder)
    {
        GuestRandom random = builder.Random;
        builder.SetMode((ulong)random.Next(2));
        ulong permission = random.Pick<ulong>([0, 1, 3, 1, 0]);
        ulong place = Layout.DataPages + ((ulong)random.Next(4, Layout.DataPageCount - 4) << 12);
        ulong configuration;
        switch (random.Next(2))
        {
            case 0:
                ulong size = 0x1000UL << random.Next(3);
                place &= ~(size - 1);
                configuration = 0x18 | permission;
                builder.Block[Csr.Pmpaddr0] = (place >> 2) | ((size >> 3) - 1);
                break;
            default:
                configuration = (0x08 | permission) << 8;
                builder.Block[Csr.Pmpaddr0] = place >> 2;
                builder.Block[Csr.Pmpaddr0 + 1] = (place >> 2) + (0x400 * (ulong)random.Next(4));
                break;
        }

        builder.Block[Csr.Pmpcfg0] |= configuration;
        int pointer = builder.Prepare(place);
        for (int i = 0; i < 6; i++)
        {
            EmitAccess(builder, pointer, random.Next(-2, 2) * 8);
        }
    }

    private static void EmitDataAccess(BlockBuilder builder, int levels)
    {
        int pointer = builder.Prepare(Address(builder.Random, levels, code: false));
        EmitAccess(builder, pointer, 0);
    }

    private static void EmitAccess(BlockBuilder builder, int pointer, int offset)
    {
        GuestRandom random = builder.Random;
        string at = $"{offset}(x{pointer}) # {builder.Block.X[pointer] + (ulong)offset:x}";
        int register = builder.Destination();
        uint width = random.Bits(2);
        switch (random.Next(8))
        {
            case < 3:
                builder.Emit(Encoder.I(0x03 | (width << 12), register, pointer, offset), $"l{"bhwd"[(int)width]} x{register}, {at}");
                break;
            case < 6:
                int rs2 = builder.Source();
                builder.Emit(Encoder.S(0x23 | (width << 12), pointer, rs2, offset), $"s{"bhwd"[(int)width]} x{rs2}, {at}");
                break;
            case 6 when IsForAtomics(builder, builder.Block.X[pointer]):
                int operand = builder.Source();
                builder.Emit(Encoder.R(0x0000_302F, register, pointer, operand), $"amoadd.d x{register}, x{operand}, {at}");
                break;
            case 7 when (builder.Block.X[pointer] & 7) == 0:
                builder.Emit(Encoder.R(0x1000_302F, register, pointer, 0), $"lr.d x{register}, {at}");
                break;
            default:
                builder.Emit(Encoder.Fld(register, pointer, offset), $"fld f{register}, {at}");
                break;
        }
    }

    /// <summary>
    /// QEMU reports faults of AMOs as those of loads, which is set right afterwards; not so where it matters (a
    /// delegated fault, a read-only page that maps to nowhere, the accessed bit of such a page).
    /// </summary>
    private static bool IsForAtomics(BlockBuilder builder, ulong address)
    {
        bool mapped = address < Layout.TestVirtual + (256UL << 21) && (address & 0x4000) != 0;
        return (address & 7) == 0 && builder.Block[Csr.Medeleg] == 0 && (builder.Block[Csr.Satp] == 0 || mapped);
    }

    private static ulong Address(GuestRandom random, int levels, bool code)
    {
        ulong offset = (ulong)(random.Next(0x1000) & ~7);
        if (code)
        {
            offset = random.Chance(20) ? 0xFFE : offset & 0xFFC;
        }

        ulong data = code
            ? Layout.EcallPages + ((ulong)random.Next(Layout.EcallPageCount) << 12) + offset
            : Layout.DataPages + ((ulong)random.Next(Layout.DataPageCount) << 12) + offset;
        switch (random.Next(20))
        {
            case < 14:
                int slot = random.Next(PageTables.LeafSlots) & ~3;
                if (code && offset == 0xFFE)
                {
                    // Two pages of code in RAM: an instruction that reaches into a page that maps to nowhere makes
                    // QEMU 7.2 fail an assertion.
                    slot |= 6;
                }
                else if (code)
                {
                    slot += 2 + random.Next(2);
                }
                else if (random.Chance(10))
                {
                    // Over the end of a page, never into a page of code, nor to nowhere: there a misaligned access
                    // may end in one or another exception.
                    slot |= 4;
                    offset = 0xFF8 + (ulong)random.Next(8);
                }
                else
                {
                    slot += random.Next(2);
                }

                return Layout.TestVirtual + ((ulong)slot << 12) + offset;
            case < 16:
                ulong middle = 256 + (ulong)random.Next(256);
                return Layout.TestVirtual + (middle << 21) + (data & 0x1F_FFFF);
            case < 18:
                return ((8 + (ulong)random.Next(248)) << 30) + (data & 0x3FFF_FFFF);
            case 18 when levels > 3:
                return ((1 + (ulong)random.Next(levels == 4 ? 255 : 511)) << 39) + (data & 0x7F_FFFF_FFFF);
            default:
                return random.Chance(50) ? random.Next() : ulong.MaxValue << random.Next(20, 64);
        }
    }
}
