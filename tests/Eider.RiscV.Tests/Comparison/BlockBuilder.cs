using Eider.RiscV.Tests.FloatingPoint;

namespace Eider.RiscV.Tests.Comparison;

/// <summary>Puts one block together: chooses registers, keeps those that must not change, encodes.</summary>
internal sealed class BlockBuilder
{
    private const int MaxCodeBytes = Layout.CodeStride - 64;

    private readonly bool[] _locked = new bool[32];
    private readonly bool[] _written = new bool[32];

    public BlockBuilder(GuestRandom random, string kind, int index, ulong record)
    {
        Random = random;
        Record = record;
        Block = new Block { Kind = kind, Start = Layout.CodeOf(index) };
        _locked[0] = true;
        Initialize();
    }

    public GuestRandom Random { get; }

    public Block Block { get; }

    public ulong Record { get; }

    public ulong Window => Record + Layout.RecordWindow;

    public ulong Pc => Block.Start + (ulong)Block.CodeBytes;

    public bool IsFull => Block.CodeBytes >= MaxCodeBytes;

    /// <summary>The mode in which the block begins: 0, 1 or 3.</summary>
    public void SetMode(ulong mode, ulong status = 0) =>
        Block[Csr.Mstatus] = Csr.StatusXl | Csr.StatusFs | (mode << Csr.StatusMppShift) | status;

    public void Emit(uint word, string text) => Block.Emit(word, text);

    public void EmitCompressed(uint word, string text) => Block.Code.Add(new GuestInstruction(word & 0xFFFF, 2, text));

    /// <summary>Keeps a register from being written in this block.</summary>
    public void Lock(int register) => _locked[register] = true;

    public void Unlock(int register) => _locked[register] = false;

    /// <summary>Tells of a register that an instruction writes without being asked for.</summary>
    public void MarkWritten(int register) => _written[register] = true;

    public bool IsLocked(int register) => _locked[register];

    public int Source() => Random.Next(32);

    /// <summary>Any register that may be written; x0 now and then.</summary>
    public int Destination()
    {
        while (true)
        {
            int register = Random.Next(32);
            if (!_locked[register] || register == 0)
            {
                _written[register] = true;
                return register;
            }
        }
    }

    /// <summary>A register of the compressed formats that may be written; -1 if there is none.</summary>
    public int CompressedDestination()
    {
        for (int i = 0; i < 16; i++)
        {
            int register = 8 + Random.Next(8);
            if (!_locked[register])
            {
                _written[register] = true;
                return register;
            }
        }

        return -1;
    }

    /// <summary>
    /// Takes a register that nothing has written yet for a value, which the block must not change; x0 if none is left.
    /// </summary>
    public int Prepare(ulong value, int from = 1, int to = 31)
    {
        for (int i = 0; i < 200; i++)
        {
            int register = from + Random.Next(to - from + 1);
            if (!_locked[register] && !_written[register])
            {
                _locked[register] = true;
                Block.X[register] = value;
                return register;
            }
        }

        return 0;
    }

    public void Emit(InstructionForm form, int roundingMode = -1)
    {
        uint word = form.Match;
        List<string> operands = [];
        foreach (char operand in form.Operands)
        {
            (uint bits, string text) = Field(operand, roundingMode);
            word |= bits;
            operands.Add(text);
        }

        Emit(word, $"{form.Name} {string.Join(", ", operands)}");
    }

    private (uint Bits, string Text) Field(char operand, int roundingMode)
    {
        int register = operand == 'd' ? Destination() : Source();
        uint immediate;
        switch (operand)
        {
            case 'd':
                return ((uint)register << 7, $"x{register}");
            case 's':
                return ((uint)register << 15, $"x{register}");
            case 't':
                return ((uint)register << 20, $"x{register}");
            case 'D':
                return ((uint)register << 7, $"f{register}");
            case 'S':
                return ((uint)register << 15, $"f{register}");
            case 'T':
                return ((uint)register << 20, $"f{register}");
            case 'R':
                return ((uint)register << 27, $"f{register}");
            case 'm':
                uint mode = roundingMode >= 0 ? (uint)roundingMode : Random.Chance(50) ? 7 : Random.Bits(8) % 5;
                return (mode << 12, $"rm={mode}");
            case 'i':
                immediate = Random.Chance(30) ? (uint)Random.Integer() & 0xFFF : Random.Bits(12);
                return (immediate << 20, $"{(int)(immediate << 20) >> 20}");
            case 'h':
                immediate = Random.Bits(6);
                return (immediate << 20, $"{immediate}");
            case 'w':
                immediate = Random.Bits(5);
                return (immediate << 20, $"{immediate}");
            case 'u':
                immediate = Random.Bits(20);
                return (immediate << 12, $"0x{immediate:x}");
            default:
                throw new ArgumentOutOfRangeException(nameof(operand), operand, "unknown operand letter");
        }
    }

    private void Initialize()
    {
        for (int i = 1; i < 32; i++)
        {
            Block.X[i] = Random.Integer();
        }

        Operands doubles = Operands.Double((int)Random.Bits(31));
        Operands singles = Operands.Single((int)Random.Bits(31));
        ulong[] doubleEdges = doubles.Edges();
        ulong[] singleEdges = singles.Edges();
        for (int i = 0; i < 32; i++)
        {
            Block.F[i] = Random.Next(8) switch
            {
                0 => Random.Pick(doubleEdges),
                1 => 0xFFFF_FFFF_0000_0000 | Random.Pick(singleEdges),
                2 => Random.Chance(50) ? Random.Next() : 0xFFFF_FFFE_0000_0000 | singles.Next(),
                3 or 4 => doubles.Next(),
                _ => 0xFFFF_FFFF_0000_0000 | singles.Next(),
            };
        }

        for (int i = 0; i < Layout.WindowBytes; i++)
        {
            Block.Window[i] = (byte)Random.Bits(8);
        }

        Block.Fcsr = (Random.Bits(3) % 5 << 5) | (Random.Chance(70) ? 0 : Random.Bits(5));
        Block[Csr.Mepc] = Block.Start;
        Block[Csr.Mstatus] = Csr.StatusXl | Csr.StatusFs | (3UL << Csr.StatusMppShift);
        Block[Csr.Stvec] = Layout.Stub;
        Block[Csr.Sscratch] = Random.Next();

        // Entry 2 opens all memory to S and U; 0 and 1 are for tests.
        Block[Csr.Pmpcfg0] = 0x1F_0000;
        Block[Csr.Pmpaddr0 + 2] = ulong.MaxValue >> 10;
    }
}
