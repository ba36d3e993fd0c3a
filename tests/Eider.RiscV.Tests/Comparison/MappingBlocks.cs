namespace Eider.RiscV.Tests.Comparison;

/// <summary>
/// Few pages, used again and again while what decides about them changes: SUM, MXR, MPRV and MPP, PMP, and the page
/// table entries themselves with an sfence.vma behind. What a TLB keeps too long shows here.
/// </summary>
internal static class MappingBlocks
{
    /// <summary>Bits of an entry that may be turned around: none makes a pointer of a leaf.</summary>
    private static readonly int[] EntryBits = [1, 4, 16, 32, 64, 128, 4 | 16, 64 | 128];

    /// <summary>Entries 0 and 1 of PMP: off, or a range over the data pages, readable or closed; entry 2 opens the rest.</summary>
    private static readonly ulong[] Protections = [0x1F_0000, 0x1F_0900, 0x1F_0800, 0x1F_0B00, 0x1F_0000];

    public static void Fill(BlockBuilder builder)
    {
        GuestRandom random = builder.Random;
        bool machine = random.Chance(30);
        int levels = random.Next(3, 6);
        ulong satp = ((ulong)(levels + 5) << 60) | (Layout.Root(user: false, levels) >> 12);
        builder.Block[Csr.Satp] = satp;
        builder.SetMode(machine ? 3UL : 1UL, random.Next() & (Csr.StatusSum | Csr.StatusMxr));
        builder.Block[Csr.Pmpaddr0] = Layout.DataPages >> 2;
        builder.Block[Csr.Pmpaddr0 + 1] = (Layout.DataPages + (Layout.DataPageCount * 0x1000)) >> 2;

        Page[] pages = PreparePages(builder);
        Switches switches = PrepareSwitches(builder, machine, satp);
        if (machine)
        {
            builder.Emit(Encoder.Csrrs(0, Csr.Mstatus, switches.Mprv), "csrs mstatus, MPRV and MPP");
        }

        int steps = 5 + random.Next(12);
        for (int i = 0; i < steps && !builder.IsFull; i++)
        {
            Page page = random.Pick(pages);
            switch (random.Next(10))
            {
                case < 4:
                    EmitUse(builder, page, machine);
                    break;
                case < 8:
                    EmitUse(builder, page, machine);
                    EmitSwitch(builder, switches, machine);
                    EmitUse(builder, page, machine);
                    break;
                default:
                    EmitEntryChange(builder, page);
                    break;
            }
        }
    }

    private static Page[] PreparePages(BlockBuilder builder)
    {
        GuestRandom random = builder.Random;
        int slot = (random.Next(PageTables.LeafSlots - 4096) & ~3) | random.Next(2);

        // The second has the first one's place in every direct-mapped TLB of up to 2048 entries, or is its neighbour.
        int other = random.Chance(60) ? slot + (512 << random.Next(3)) : slot ^ 1;
        return [Prepare(builder, slot, code: false), Prepare(builder, other, code: false), Prepare(builder, slot | 2, code: true)];
    }

    private static Page Prepare(BlockBuilder builder, int slot, bool code)
    {
        ulong offset = (ulong)(builder.Random.Next(0x1000) & ~7);
        return new Page(
            builder.Prepare(Layout.TestVirtual + ((ulong)slot << 12) + offset),
            builder.Prepare(Layout.LeafTables + ((ulong)slot * 8)),
            code);
    }

    private static Switches PrepareSwitches(BlockBuilder builder, bool machine, ulong satp) => new(
        builder.Prepare(Csr.StatusSum),
        builder.Prepare(Csr.StatusMxr),
        builder.Prepare(Csr.StatusMprv | (1UL << Csr.StatusMppShift)),
        builder.Prepare(1UL << Csr.StatusMppShift),
        machine ? builder.Prepare(builder.Random.Pick(Protections)) : 0,
        machine ? builder.Prepare(builder.Random.Pick(Protections)) : 0,
        builder.Prepare(satp ^ (1UL << 44)));

    private static void EmitUse(BlockBuilder builder, Page page, bool machine)
    {
        GuestRandom random = builder.Random;
        int register = builder.Destination();
        if (page.IsCode && !machine && !builder.IsLocked(1))
        {
            // Some of these pages hold returns, the others ecall words.
            builder.MarkWritten(1);
            builder.Emit(Encoder.I(0x67, 1, page.Pointer, 0), $"jalr x1, (x{page.Pointer})");
        }
        else if (random.Chance(50) && !page.IsCode)
        {
            int source = builder.Source();
            builder.Emit(Encoder.Sd(source, page.Pointer, 0), $"sd x{source}, (x{page.Pointer})");
        }
        else
        {
            builder.Emit(Encoder.Ld(register, page.Pointer, 0), $"ld x{register}, (x{page.Pointer})");
        }
    }

    private static void EmitSwitch(BlockBuilder builder, Switches switches, bool machine)
    {
        GuestRandom random = builder.Random;
        uint set = random.Chance(50) ? 0x2073u : 0x3073u;
        string name = set == 0x2073 ? "csrs" : "csrc";
        int choice = random.Chance(30) ? 1 : random.Next(machine ? 6 : 3);
        switch (choice)
        {
            case 0:
                builder.Emit(Encoder.I(set, 0, switches.Sum, Csr.Sstatus), $"{name} sstatus, SUM");
                break;
            case 1:
                builder.Emit(Encoder.I(set, 0, switches.Mxr, Csr.Sstatus), $"{name} sstatus, MXR");
                break;
            case 2:
                builder.Emit(Encoder.Csrrw(0, Csr.Satp, switches.OtherSpace), "csrw satp, the same root with another ASID");
                break;
            case 3:
                builder.Emit(Encoder.I(set, 0, switches.MppSupervisor, Csr.Mstatus), $"{name} mstatus, MPP = S or U");
                break;
            default:
                int value = random.Chance(50) ? switches.Protection : switches.OtherProtection;
                builder.Emit(Encoder.Csrrw(0, Csr.Pmpcfg0, value), $"csrw pmpcfg0, x{value}");
                builder.Emit(Encoder.SfenceVma, "sfence.vma");
                break;
        }
    }

    /// <summary>Turns bits of a page table entry around and lets the hart know.</summary>
    private static void EmitEntryChange(BlockBuilder builder, Page page)
    {
        GuestRandom random = builder.Random;
        int scratch = builder.Destination();
        if (scratch == 0)
        {
            return;
        }

        int bits = random.Pick(EntryBits);
        builder.Emit(Encoder.Ld(scratch, page.Entry, 0), $"ld x{scratch}, (x{page.Entry})");
        builder.Emit(Encoder.I(0x4013, scratch, scratch, bits), $"xori x{scratch}, x{scratch}, 0x{bits:x}");
        builder.Emit(Encoder.Sd(scratch, page.Entry, 0), $"sd x{scratch}, (x{page.Entry})");
        int address = random.Chance(60) ? page.Pointer : 0;
        builder.Emit(Encoder.R(Encoder.SfenceVma, 0, address, 0), $"sfence.vma x{address}, x0");
    }

    private readonly record struct Page(int Pointer, int Entry, bool IsCode);

    /// <summary>Registers with what turns a switch.</summary>
    private readonly record struct Switches(
        int Sum, int Mxr, int Mprv, int MppSupervisor, int Protection, int OtherProtection, int OtherSpace);
}
