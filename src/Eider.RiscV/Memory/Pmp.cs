using System.Numerics;
using Eider.RiscV.Execution;

namespace Eider.RiscV.Memory;

/// <summary>
/// Physical memory protection with 16 entries (Privileged ISA, "Physical Memory Protection"). The grain is a page
/// (G = 10), so that a page is either wholly inside an entry or wholly outside, and a check at TLB fill is exact.
/// </summary>
internal sealed unsafe class Pmp(HartState* state)
{
    /// <summary>Number of entries.</summary>
    public const int EntryCount = 16;

    private const int Grain = 10;
    private const ulong AddressMask = (1UL << 54) - 1;
    private const byte Read = 1;
    private const byte Write = 2;
    private const byte Execute = 4;
    private const byte Locked = 0x80;
    private const byte ConfigWritable = 0x9F;
    private const int ModeTor = 1;
    private const int ModeNa4 = 2;
    private const int ModeNapot = 3;

    private readonly ulong[] _first = new ulong[EntryCount];
    private readonly ulong[] _last = new ulong[EntryCount];

    /// <summary>One entry over everything with all permissions, as a firmware leaves it for its supervisor.</summary>
    public void AllowAll()
    {
        state->PmpConfig[0] = (ModeNapot << 3) | Read | Write | Execute;
        state->PmpAddress[0] = AddressMask;
        Update();
    }

    /// <summary>True if the page that holds an address may be accessed so.</summary>
    public bool Allows(ulong physical, AccessKind kind, PrivilegeMode mode)
    {
        var page = physical & ~0xFFFUL;
        for (var i = 0; i < EntryCount; i++)
        {
            if (page < _first[i] || page > _last[i])
            {
                continue;
            }

            var config = state->PmpConfig[i];
            if (mode == PrivilegeMode.Machine && (config & Locked) == 0)
            {
                return true;
            }

            return (config & (kind switch { AccessKind.Fetch => Execute, AccessKind.Load => Read, _ => Write })) != 0;
        }

        return mode == PrivilegeMode.Machine;
    }

    /// <summary>Reads pmpcfg0, 2, ...: eight entries each; the odd ones do not exist on RV64.</summary>
    public ulong ReadConfig(uint register)
    {
        var value = 0UL;
        for (var i = 0; i < 8; i++)
        {
            var entry = (int)(register * 4) + i;
            value |= entry < EntryCount ? (ulong)state->PmpConfig[entry] << (8 * i) : 0;
        }

        return value;
    }

    /// <summary>Writes eight entries; locked ones keep their value.</summary>
    public void WriteConfig(uint register, ulong value)
    {
        for (var i = 0; i < 8; i++)
        {
            var entry = (int)(register * 4) + i;
            if (entry < EntryCount && (state->PmpConfig[entry] & Locked) == 0)
            {
                state->PmpConfig[entry] = Legalize((byte)(value >> (8 * i)), state->PmpConfig[entry]);
            }
        }

        Update();
    }

    /// <summary>Reads pmpaddr; the bits below the grain read as the entry's mode says.</summary>
    public ulong ReadAddress(uint entry)
    {
        if (entry >= EntryCount)
        {
            return 0;
        }

        var address = state->PmpAddress[entry];
        return Mode((int)entry) == ModeNapot
            ? address | ((1UL << (Grain - 1)) - 1)
            : address & ~((1UL << Grain) - 1);
    }

    /// <summary>Writes pmpaddr, unless the entry, or the next one as top of a range, is locked.</summary>
    public void WriteAddress(uint entry, ulong value)
    {
        if (entry >= EntryCount || (state->PmpConfig[entry] & Locked) != 0)
        {
            return;
        }

        var isBaseOfLocked = entry + 1 < EntryCount && (state->PmpConfig[entry + 1] & Locked) != 0 && Mode((int)entry + 1) == ModeTor;
        if (!isBaseOfLocked)
        {
            state->PmpAddress[entry] = value & AddressMask;
            Update();
        }
    }

    // W without R is reserved, and NA4 cannot be chosen with this grain: the field keeps what it had.
    private static byte Legalize(byte value, byte old)
    {
        value &= ConfigWritable;
        if ((value & (Read | Write)) == Write)
        {
            value = (byte)((value & ~(Read | Write | Execute)) | (old & (Read | Write | Execute)));
        }

        return ((value >> 3) & 3) == ModeNa4 ? (byte)((value & ~0x18) | (old & 0x18)) : value;
    }

    private int Mode(int entry) => (state->PmpConfig[entry] >> 3) & 3;

    /// <summary>Computes the ranges anew from the registers.</summary>
    public void Update()
    {
        for (var i = 0; i < EntryCount; i++)
        {
            (_first[i], _last[i]) = Mode(i) switch
            {
                ModeTor => TopOfRange(i),
                ModeNapot => PowerOfTwo(state->PmpAddress[i] | ((1UL << (Grain - 1)) - 1)),
                _ => (ulong.MaxValue, 0UL),
            };
        }
    }

    private (ulong First, ulong Last) TopOfRange(int entry)
    {
        const ulong Mask = ~((1UL << Grain) - 1);
        var bottom = entry == 0 ? 0 : (state->PmpAddress[entry - 1] & Mask) << 2;
        var top = (state->PmpAddress[entry] & Mask) << 2;
        return top > bottom ? (bottom, top - 1) : (ulong.MaxValue, 0UL);
    }

    private static (ulong First, ulong Last) PowerOfTwo(ulong address)
    {
        var ones = BitOperations.TrailingZeroCount(~address);
        var low = (1UL << (ones + 1)) - 1;
        return ((address & ~low) << 2, ((address | low) << 2) | 3);
    }
}
