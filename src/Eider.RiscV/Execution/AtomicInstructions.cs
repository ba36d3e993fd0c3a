using Eider.RiscV.Decoding;
using Eider.RiscV.Memory;

namespace Eider.RiscV.Execution;

/// <summary>
/// The A extension (Unprivileged ISA, "A" Standard Extension). Real atomic operations on the host's memory,
/// because devices on other threads share it; harts take turns and so need none among themselves.
/// </summary>
internal static unsafe class AtomicInstructions
{
    private const int LoadReserved = 2;
    private const int StoreConditional = 3;

    /// <summary>Runs one.</summary>
    public static Outcome Execute(HartState* state, Mmu mmu, Op* op)
    {
        var function = op->Imm & 0x1F;
        var isDouble = (op->Imm & Decoder.AtomicDouble) != 0;
        var address = state->X[op->Rs1];
        var kind = function == LoadReserved ? AccessKind.Load : AccessKind.Store;
        if ((address & (isDouble ? 7UL : 3UL)) != 0)
        {
            state->TrapCause = kind == AccessKind.Load ? TrapCause.LoadMisaligned : TrapCause.StoreMisaligned;
            state->TrapValue = address;
            return Outcome.Trap;
        }

        var host = mmu.TranslateAtomic(address, kind, out var physical);
        if (host is null)
        {
            return Outcome.Trap;
        }

        switch (function)
        {
            case LoadReserved:
                Reserve(state, op, host, physical, isDouble);
                return Outcome.Done;
            case StoreConditional:
                Conditional(state, mmu, op, host, physical, isDouble);
                return Outcome.Done;
            default:
                var operand = state->X[op->Rs2];
                state->X[op->Rd] = isDouble
                    ? ReadModifyWrite((ulong*)host, function, operand)
                    : (ulong)(int)ReadModifyWrite((uint*)host, function, (uint)operand);
                mmu.FinishAtomicStore(physical, isDouble ? 8u : 4u);
                return Outcome.Done;
        }
    }

    private static void Reserve(HartState* state, Op* op, byte* host, ulong physical, bool isDouble)
    {
        var value = isDouble ? Volatile.Read(ref *(ulong*)host) : (ulong)Volatile.Read(ref *(int*)host);
        state->X[op->Rd] = value;
        state->ReservationAddress = physical;
        state->ReservationValue = value;
        state->HasReservation = true;
    }

    // Another hart's turn ended the reservation; a device's store is seen by its value.
    private static void Conditional(HartState* state, Mmu mmu, Op* op, byte* host, ulong physical, bool isDouble)
    {
        var succeeds = state->HasReservation && state->ReservationAddress == physical;
        state->HasReservation = false;
        if (succeeds)
        {
            var expected = state->ReservationValue;
            var value = state->X[op->Rs2];
            succeeds = isDouble
                ? Interlocked.CompareExchange(ref *(ulong*)host, value, expected) == expected
                : Interlocked.CompareExchange(ref *(uint*)host, (uint)value, (uint)expected) == (uint)expected;
        }

        state->X[op->Rd] = succeeds ? 0UL : 1UL;
        if (succeeds)
        {
            mmu.FinishAtomicStore(physical, isDouble ? 8u : 4u);
        }
    }

    private static ulong ReadModifyWrite(ulong* host, int function, ulong operand)
    {
        switch (function)
        {
            case 0:
                return Interlocked.Add(ref *host, operand) - operand;
            case 1:
                return Interlocked.Exchange(ref *host, operand);
            case 8:
                return Interlocked.Or(ref *host, operand);
            case 12:
                return Interlocked.And(ref *host, operand);
        }

        while (true)
        {
            var old = Volatile.Read(ref *host);
            var value = function switch
            {
                4 => old ^ operand,
                16 => (ulong)Math.Min((long)old, (long)operand),
                20 => (ulong)Math.Max((long)old, (long)operand),
                24 => Math.Min(old, operand),
                _ => Math.Max(old, operand),
            };
            if (Interlocked.CompareExchange(ref *host, value, old) == old)
            {
                return old;
            }
        }
    }

    private static uint ReadModifyWrite(uint* host, int function, uint operand)
    {
        switch (function)
        {
            case 0:
                return Interlocked.Add(ref *host, operand) - operand;
            case 1:
                return Interlocked.Exchange(ref *host, operand);
            case 8:
                return Interlocked.Or(ref *host, operand);
            case 12:
                return Interlocked.And(ref *host, operand);
        }

        while (true)
        {
            var old = Volatile.Read(ref *host);
            var value = function switch
            {
                4 => old ^ operand,
                16 => (uint)Math.Min((int)old, (int)operand),
                20 => (uint)Math.Max((int)old, (int)operand),
                24 => Math.Min(old, operand),
                _ => Math.Max(old, operand),
            };
            if (Interlocked.CompareExchange(ref *host, value, old) == old)
            {
                return old;
            }
        }
    }
}
