namespace Eider.RiscV.Tests.Comparison;

/// <summary>Loads, stores and atomics inside the window that belongs to the block.</summary>
internal static class MemoryBlocks
{
    private static readonly string[] LoadNames = ["lb", "lh", "lw", "ld", "lbu", "lhu", "lwu"];
    private static readonly string[] StoreNames = ["sb", "sh", "sw", "sd"];

    private static readonly (uint Funct5, string Name)[] Atomics =
    [
        (1, "amoswap"), (0, "amoadd"), (4, "amoxor"), (0xC, "amoand"), (8, "amoor"),
        (0x10, "amomin"), (0x14, "amomax"), (0x18, "amominu"), (0x1C, "amomaxu"),
    ];

    public static void Fill(BlockBuilder builder)
    {
        GuestRandom random = builder.Random;

        builder.Prepare(builder.Window, 2, 2);

        // From the pointer 64 bytes down and some 180 up belong to the window.
        int pointer = PreparePointer(builder, 3, 31, random.Chance(70) ? 0 : random.Next(8));
        int small = PreparePointer(builder, 8, 15, random.Chance(70) ? 0 : random.Next(8));
        int count = 16 + random.Next(40);
        for (int i = 0; i < count && !builder.IsFull; i++)
        {
            switch (random.Next(10))
            {
                case < 4:
                    EmitAccess(builder, random.Chance(70) ? pointer : small);
                    break;
                case < 6:
                    EmitCompressed(builder, small);
                    break;
                case 6 when random.Chance(10):
                    EmitSelfModifying(builder, pointer);
                    break;
                case 6 when random.Chance(50):
                    EmitFence(builder);
                    break;
                default:
                    IntegerBlocks.EmitAny(builder);
                    break;
            }
        }

        if (random.Chance(15))
        {
            EmitFault(builder);
        }
    }

    public static void FillAtomic(BlockBuilder builder)
    {
        GuestRandom random = builder.Random;
        int pointer = PreparePointer(builder, 1, 31, 0);
        int misaligned = builder.Prepare(builder.Window + 64 + (ulong)random.Next(128));
        int count = 10 + random.Next(30);
        for (int i = 0; i < count && !builder.IsFull; i++)
        {
            switch (random.Next(4))
            {
                case 0 or 1:
                    EmitAtomic(builder, pointer);
                    break;
                case 2:
                    EmitReservation(builder, pointer);
                    break;
                default:
                    IntegerBlocks.EmitPlain(builder);
                    break;
            }
        }

        if (random.Chance(30))
        {
            // A misaligned one traps. QEMU gives the cause of a load for amo, and lets sc fail without a look at the
            // address: only lr is compared.
            builder.Emit(Encoder.R(0x1000_302F, 1, misaligned, 0), $"lr.d x1, (x{misaligned})");
        }
    }

    public static void EmitAccess(BlockBuilder builder, int pointer)
    {
        GuestRandom random = builder.Random;
        int offset = random.Next(240) - 64;
        switch (random.Next(8))
        {
            case < 4:
                uint load = random.Bits(8) % 7;
                int rd = builder.Destination();
                builder.Emit(Encoder.I(0x03 | (load << 12), rd, pointer, offset), $"{LoadNames[load]} x{rd}, {offset}(x{pointer})");
                break;
            case < 6:
                uint store = random.Bits(2);
                int rs2 = builder.Source();
                builder.Emit(Encoder.S(0x23 | (store << 12), pointer, rs2, offset), $"{StoreNames[store]} x{rs2}, {offset}(x{pointer})");
                break;
            case 6:
                uint width = 2 + random.Bits(1);
                builder.Emit(
                    Encoder.I(0x07 | (width << 12), random.Next(32), pointer, offset), $"f{LoadNames[width]} f?, {offset}(x{pointer})");
                break;
            default:
                uint stored = 2 + random.Bits(1);
                builder.Emit(
                    Encoder.S(0x27 | (stored << 12), pointer, random.Next(32), offset), $"f{StoreNames[stored]} f?, {offset}(x{pointer})");
                break;
        }
    }

    private static int PreparePointer(BlockBuilder builder, int from, int to, int misalignment) =>
        builder.Prepare(builder.Window + 64 + (ulong)misalignment, from, to);

    /// <summary>The twelve compressed loads and stores; offsets stay below 128 (from sp below 256).</summary>
    private static void EmitCompressed(BlockBuilder builder, int pointer)
    {
        GuestRandom random = builder.Random;
        uint funct3 = random.Pick<uint>([1, 2, 3, 5, 6, 7]);
        string[] names = ["?", "fld", "lw", "ld", "?", "fsd", "sw", "sd"];
        uint offset = random.Bits(3);
        if (random.Chance(50))
        {
            bool integerLoad = funct3 is 2 or 3;
            int register = integerLoad ? builder.CompressedDestination() : 8 + random.Next(8);
            if (register < 0)
            {
                return;
            }

            // Three bits of the offset in 12:10 are its bits 5:3 in every form; the other two stay 0, or hold
            // bit 2 and 6 of words, so that the highest offset is 60.
            uint more = funct3 is 2 or 6 ? random.Bits(1) << 6 : 0;
            uint word = (funct3 << 13) | (offset << 10) | ((uint)(pointer - 8) << 7) | more | ((uint)(register - 8) << 2);
            builder.EmitCompressed(word, $"c.{names[funct3]} r{register}, {(offset << 3) + (more >> 4)}(x{pointer})");
            return;
        }

        int any = funct3 is 2 or 3 ? builder.Destination() : random.Next(32);
        if (funct3 is 2 or 3 && any == 0)
        {
            return;
        }

        // From sp: a load's offset has bit 5 at 12 and bits 4:3 at 6:5, a store's bits 5:3 at 12:10.
        uint stack = funct3 < 4
            ? (funct3 << 13) | ((offset >> 2) << 12) | ((uint)any << 7) | ((offset & 3) << 5) | 2
            : (funct3 << 13) | (offset << 10) | ((uint)any << 2) | 2;
        builder.EmitCompressed(stack, $"c.{names[funct3]}sp r{any}, {offset << 3}(sp)");
    }

    private static void EmitAtomic(BlockBuilder builder, int pointer)
    {
        GuestRandom random = builder.Random;
        (uint funct5, string name) = random.Pick(Atomics);
        uint width = 2 + random.Bits(1);
        uint order = random.Bits(2);
        int rd = builder.Destination();
        int rs2 = builder.Source();
        builder.Emit(
            Encoder.R(0x2F | (width << 12) | (order << 25) | (funct5 << 27), rd, pointer, rs2),
            $"{name}.{(width == 2 ? "w" : "d")} x{rd}, x{rs2}, (x{pointer})");
    }

    /// <summary>lr and sc of the same address and width, or sc alone, which fails.</summary>
    private static void EmitReservation(BlockBuilder builder, int pointer)
    {
        GuestRandom random = builder.Random;
        uint width = 2 + random.Bits(1);
        string suffix = width == 2 ? "w" : "d";
        int loaded = builder.Destination();
        if (random.Chance(85))
        {
            uint word = Encoder.R(0x2F | (width << 12) | (random.Bits(2) << 25) | (2u << 27), loaded, pointer, 0);
            builder.Emit(word, $"lr.{suffix} x{loaded}, (x{pointer})");
            if (random.Chance(50))
            {
                builder.Emit(random.Pick(InstructionForms.Integer));
            }
        }

        int rd = builder.Destination();
        int rs2 = builder.Source();
        for (int i = random.Next(5) == 0 ? 2 : 1; i > 0; i--)
        {
            builder.Emit(
                Encoder.R(0x2F | (width << 12) | (random.Bits(2) << 25) | (3u << 27), rd, pointer, rs2),
                $"sc.{suffix} x{rd}, x{rs2}, (x{pointer})");
        }
    }

    /// <summary>Stores an instruction over one that comes next; fence.i makes it seen.</summary>
    private static void EmitSelfModifying(BlockBuilder builder, int pointer)
    {
        GuestRandom random = builder.Random;
        int place = builder.Destination();
        int instruction = builder.Destination();
        int result = builder.Destination();
        if (place == 0 || instruction == 0 || place == instruction || builder.IsFull)
        {
            return;
        }

        int offset = 64;
        uint patched = Encoder.Addi(result, 0, random.Next(2048));
        int at = (int)(builder.Block.X[pointer] - builder.Window) + offset;
        BitConverter.TryWriteBytes(builder.Block.Window.AsSpan(at), patched);
        builder.Emit(Encoder.Addi(instruction, pointer, offset), $"addi x{instruction}, x{pointer}, {offset}");
        builder.Emit(Encoder.I(0x2003, instruction, instruction, 0), $"lw x{instruction}, (x{instruction})");

        // What other instructions stored there may be no instruction: give the right one back first.
        builder.Emit(Encoder.Lui(instruction, patched + ((patched & 0x800) << 1)), $"lui x{instruction}, ...");
        builder.Emit(Encoder.I(0x1B, instruction, instruction, (int)(patched & 0xFFF)), $"addiw x{instruction}, ...");
        builder.Emit(Encoder.Auipc(place), $"auipc x{place}, 0");
        builder.Emit(Encoder.Sw(instruction, place, 12), $"sw x{instruction}, 12(x{place})");
        builder.Emit(Encoder.FenceI, "fence.i");
        builder.Emit(Encoder.Addi(result, 0, -1), $"addi x{result}, x0, -1 (patched)");
    }

    private static void EmitFence(BlockBuilder builder)
    {
        uint sets = builder.Random.Bits(8);
        builder.Emit(builder.Random.Chance(20) ? Encoder.FenceI : 0x0F | (sets << 20), "fence");
    }

    /// <summary>A last access to where nothing is.</summary>
    private static void EmitFault(BlockBuilder builder)
    {
        GuestRandom random = builder.Random;
        int register = 1;
        while (builder.IsLocked(register))
        {
            register++;
        }

        int scratch = register;
        builder.Emit(Encoder.Lui(scratch, (uint)Layout.Hole >> 1), $"lui x{scratch}, ...");
        builder.Emit(Encoder.I(0x1013, scratch, scratch, 1), $"slli x{scratch}, x{scratch}, 1");
        switch (random.Next(4))
        {
            case 0:
                builder.Emit(Encoder.I(0x67, 1, scratch, 0), $"jalr x1, (x{scratch})");
                break;
            case 1:
                EmitAtomic(builder, scratch);
                break;
            default:
                EmitHoleAccess(builder, scratch);
                break;
        }
    }

    private static void EmitHoleAccess(BlockBuilder builder, int pointer)
    {
        // Aligned: of a misaligned access to nowhere QEMU reports the address rounded down.
        int offset = builder.Random.Next(-16, 16) * 8;
        uint width = builder.Random.Bits(2);
        string name = "bhwd"[(int)width].ToString();
        switch (builder.Random.Next(3))
        {
            case 0:
                builder.Emit(Encoder.I(0x03 | (width << 12), 1, pointer, offset), $"l{name} x1, {offset}(x{pointer})");
                break;
            case 1:
                builder.Emit(Encoder.S(0x23 | (width << 12), pointer, 1, offset), $"s{name} x1, {offset}(x{pointer})");
                break;
            default:
                builder.Emit(Encoder.Fld(1, pointer, offset), $"fld f1, {offset}(x{pointer})");
                break;
        }
    }
}
