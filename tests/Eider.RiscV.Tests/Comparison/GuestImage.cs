using System.Buffers.Binary;

namespace Eider.RiscV.Tests.Comparison;

/// <summary>The RAM that both machines start with: handler, page tables, code of the blocks and their records.</summary>
internal static class GuestImage
{
    private const int Sp = 2;
    private const int T0 = 5;
    private const int T1 = 6;

    /// <summary>Where the start-up code has the address of the first record.</summary>
    private const int FirstRecordWord = 14;

    /// <summary>Instructions that the handler executes for each block, from the trap to mret.</summary>
    public static int HandlerInstructions { get; } = Handler(out _).Count - 5;

    public static byte[] Build(ulong seed, IReadOnlyList<Block> blocks)
    {
        byte[] ram = new byte[Layout.RamBytes(blocks.Count)];
        WriteCode(ram, Layout.Handler, Startup(blocks.Count));
        WriteCode(ram, Layout.Stub, Stub());
        PageTables.Write64(seed, (address, entry) => Write(ram, address, entry));
        WriteData(ram, seed);
        for (int i = 0; i < blocks.Count; i++)
        {
            WriteBlock(ram, blocks, i);
        }

        return ram;
    }

    /// <summary>
    /// The image changed so that only one block runs, and of that only its first instructions: all others are
    /// replaced by words that trap.
    /// </summary>
    public static byte[] Only(byte[] image, IReadOnlyList<Block> blocks, int index, int instructions)
    {
        byte[] one = (byte[])image.Clone();
        ulong record = Layout.RecordOf(blocks.Count, index);
        Write(one, Layout.Handler + (FirstRecordWord * 4), record);
        Write(one, record, 0);
        int at = (int)(blocks[index].Start - Layout.Ram);
        foreach (GuestInstruction instruction in blocks[index].Code)
        {
            if (instructions-- <= 0)
            {
                byte[] trap = instruction.LengthBytes == 4 ? [0x73, 0, 0, 0] : [0x02, 0x90]; // ecall, c.ebreak
                trap.CopyTo(one, at);
            }

            at += instruction.LengthBytes;
        }

        return one;
    }

    /// <summary>The record of a block as it lies in RAM before the block runs.</summary>
    public static byte[] Record(Block block, ulong next)
    {
        byte[] record = new byte[Layout.RecordBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(record, next);
        for (int i = 0; i < 32; i++)
        {
            if (i > 0)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(8 * i), block.X[i]);
            }

            BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(Layout.RecordF + (8 * i)), block.F[i]);
        }

        for (int i = 0; i < Layout.Csrs.Length; i++)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(Layout.RecordCsr + (8 * i)), block.Csrs[i]);
        }

        BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(Layout.RecordCsr + (8 * Layout.FcsrSlot)), block.Fcsr);
        block.Window.CopyTo(record, Layout.RecordWindow);
        return record;
    }

    private static void WriteBlock(byte[] ram, IReadOnlyList<Block> blocks, int index)
    {
        Block block = blocks[index];
        int at = (int)(block.Start - Layout.Ram);
        foreach (GuestInstruction instruction in block.Code)
        {
            BinaryPrimitives.WriteUInt16LittleEndian(ram.AsSpan(at), (ushort)instruction.Word);
            if (instruction.LengthBytes == 4)
            {
                BinaryPrimitives.WriteUInt16LittleEndian(ram.AsSpan(at + 2), (ushort)(instruction.Word >> 16));
            }

            at += instruction.LengthBytes;
        }

        ulong next = index + 1 < blocks.Count ? Layout.RecordOf(blocks.Count, index + 1) : 0;
        Record(block, next).CopyTo(ram, (int)(Layout.RecordOf(blocks.Count, index) - Layout.Ram));
    }

    private static void WriteData(byte[] ram, ulong seed)
    {
        GuestRandom random = new(seed ^ 0x6461_7461);
        for (int page = 0; page < Layout.EcallPageCount; page++)
        {
            // Every second page begins with the second half of the word, so that one lies across the pages' edge.
            for (int i = 0; i < 0x1000; i += 2)
            {
                bool first = ((i >> 1) & 1) == (page & 1);
                ushort returns = (i & 2) == 0 ? (ushort)0x8067 : (ushort)0; // jalr x0, (x1)
                ushort word = page >= Layout.FirstReturnPage ? returns : first ? (ushort)Encoder.Ecall : (ushort)0;
                int at = (int)(Layout.EcallPages - Layout.Ram) + (page * 0x1000) + i;
                BinaryPrimitives.WriteUInt16LittleEndian(ram.AsSpan(at), word);
            }
        }

        for (ulong i = 0; i < Layout.DataPageCount * 0x1000; i += 8)
        {
            Write(ram, Layout.DataPages + i, random.Next());
        }
    }

    private static void Write(byte[] ram, ulong address, ulong value) =>
        BinaryPrimitives.WriteUInt64LittleEndian(ram.AsSpan((int)(address - Layout.Ram)), value);

    private static void WriteCode(byte[] ram, ulong address, List<uint> words)
    {
        for (int i = 0; i < words.Count; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(ram.AsSpan((int)(address - Layout.Ram) + (4 * i)), words[i]);
        }
    }

    /// <summary>Sets mtvec, lets the hardware set A and D where that is a choice, puts the timer off, and loads the first record.</summary>
    private static List<uint> Startup(int blocks)
    {
        const int Words = 16;
        List<uint> handler = Handler(out int load);
        ulong record = Layout.RecordOf(blocks, 0);
        List<uint> code =
        [
            Encoder.Auipc(T0),
            Encoder.Addi(T0, T0, Words * 4),
            Encoder.Csrrw(0, Csr.Mtvec, T0),
            Encoder.Addi(T0, 0, 1),
            Encoder.I(0x1013, T0, T0, 61),
            Encoder.Csrrw(0, Csr.Menvcfg, T0),
            Encoder.Lui(T0, (uint)Layout.TimerCompare),
            Encoder.Addi(T1, 0, -1),
            Encoder.Sd(T1, T0, 0),
            Encoder.Auipc(Sp),
            Encoder.Ld(Sp, Sp, (FirstRecordWord - 9) * 4),
            Encoder.J(0, (Words - 11 + load) * 4),
        ];
        while (code.Count < FirstRecordWord)
        {
            code.Add(Encoder.Ebreak);
        }

        code.Add((uint)record);
        code.Add((uint)(record >> 32));
        code.AddRange(handler);
        return code;
    }

    /// <summary>Saves everything to the record that mscratch points to, and loads the next one.</summary>
    private static List<uint> Handler(out int load)
    {
        List<uint> code = [Encoder.Csrrw(Sp, Csr.Mscratch, Sp)];
        AddSave(code);
        code.Add(Encoder.Ld(Sp, Sp, 0));
        int branch = code.Count;
        code.Add(0);
        load = code.Count;
        AddLoad(code);
        code[branch] = Encoder.B(0x63, Sp, 0, (code.Count - branch) * 4);

        // The end: 0x5555 to the test device switches the machine off.
        code.Add(Encoder.Lui(T0, 0x5000));
        code.Add(Encoder.Addi(T0, T0, 0x555));
        code.Add(Encoder.Lui(T1, (uint)Layout.PowerDevice));
        code.Add(Encoder.Sw(T0, T1, 0));
        code.Add(Encoder.J(0, 0));
        return code;
    }

    private static void AddSave(List<uint> code)
    {
        for (int i = 1; i < 32; i++)
        {
            if (i != Sp)
            {
                code.Add(Encoder.Sd(i, Sp, 8 * i));
            }
        }

        code.Add(Encoder.Csrrs(T0, Csr.Mscratch, 0));
        code.Add(Encoder.Sd(T0, Sp, 8 * Sp));
        for (int i = 0; i < Layout.Csrs.Length; i++)
        {
            code.Add(Encoder.Csrrs(T0, Layout.Csrs[i], 0));
            code.Add(Encoder.Sd(T0, Sp, Layout.RecordCsr + (8 * i)));
        }

        AddFloatingPointOn(code);
        for (int i = 0; i < 32; i++)
        {
            code.Add(Encoder.Fsd(i, Sp, Layout.RecordF + (8 * i)));
        }

        code.Add(Encoder.Csrrs(T0, Csr.Fcsr, 0));
        code.Add(Encoder.Sd(T0, Sp, Layout.RecordCsr + (8 * Layout.FcsrSlot)));
    }

    private static void AddLoad(List<uint> code)
    {
        code.Add(Encoder.Csrrw(0, Csr.Mscratch, Sp));
        AddFloatingPointOn(code);
        for (int i = 0; i < 32; i++)
        {
            code.Add(Encoder.Fld(i, Sp, Layout.RecordF + (8 * i)));
        }

        code.Add(Encoder.Ld(T0, Sp, Layout.RecordCsr + (8 * Layout.FcsrSlot)));
        code.Add(Encoder.Csrrw(0, Csr.Fcsr, T0));
        for (int i = 0; i < Layout.Csrs.Length; i++)
        {
            code.Add(Encoder.Ld(T0, Sp, Layout.RecordCsr + (8 * i)));
            code.Add(Encoder.Csrrw(0, Layout.Csrs[i], T0));
        }

        code.Add(Encoder.SfenceVma);
        for (int i = 31; i > 0; i--)
        {
            if (i != Sp)
            {
                code.Add(Encoder.Ld(i, Sp, 8 * i));
            }
        }

        code.Add(Encoder.Ld(Sp, Sp, 8 * Sp));
        code.Add(Encoder.Mret);
    }

    private static void AddFloatingPointOn(List<uint> code)
    {
        code.Add(Encoder.Lui(T0, (uint)Csr.StatusFs));
        code.Add(Encoder.Csrrs(0, Csr.Mstatus, T0));
    }

    /// <summary>
    /// Where delegated traps go: a slide that counts in x31 at which vector it was entered, the supervisor's view
    /// of the trap, and out by ecall.
    /// </summary>
    private static List<uint> Stub()
    {
        List<uint> code = [];
        while (code.Count < 16)
        {
            code.Add(Encoder.Addi(31, 31, 1));
        }

        code.Add(Encoder.Csrrs(5, Csr.Scause, 0));
        code.Add(Encoder.Csrrs(6, Csr.Sepc, 0));
        code.Add(Encoder.Csrrs(7, Csr.Stval, 0));
        code.Add(Encoder.Csrrs(28, Csr.Sstatus, 0));
        code.Add(Encoder.Ecall);
        return code;
    }
}
