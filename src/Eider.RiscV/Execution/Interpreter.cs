using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using Eider.RiscV.Csr;
using Eider.RiscV.Decoding;
using Eider.RiscV.Memory;

namespace Eider.RiscV.Execution;

/// <summary>
/// Runs decoded blocks. One method is the whole dispatch: a table of short cases over an operation pointer, so
/// that the registers' base, the operation and the data TLB stay in host registers. What is rare or long is
/// called out of line and answers with an <see cref="Outcome"/>.
/// </summary>
/// <remarks>
/// A block is straight-line code of one page; conditional branches that are not taken stay in it. Instructions
/// are counted where a block is left, by the operation's index in it. The budget, and the flag that other
/// threads set, are looked at on every entry to a block.
/// </remarks>
internal sealed unsafe class Interpreter(Hart hart, CodeCache code)
{
    private const int TlbIndexShift = 12 - 5; // an entry has 32 bytes
    private const ulong TlbIndexMask = (Mmu.DataEntries - 1) << 5;

    private readonly Op[] _single = GC.AllocateArray<Op>(2, pinned: true);

    /// <summary>
    /// Runs until the budget is spent or the hart gives its turn away. A budget of less than a block is kept
    /// exactly; any other is overdrawn by less than a block.
    /// </summary>
    /// <returns>What it cost: instructions retired, and one for each trap or call.</returns>
    public long Run(long budget)
    {
        var s = hart.State;
        var x = (ulong*)s;
        var remaining = budget;
        var retiredBase = s->Retired + (ulong)budget; // retired so far = this - remaining
        var pc = s->Pc;
        var pageBase = 0UL;
        var tlb = (byte*)s->DataTlb;
        var va = 0UL;
        Outcome outcome;
        Op* op;
        DataTlbEntry* entry;

    NextBlock:
        if (remaining <= 0)
        {
            goto Leave;
        }

        if (Volatile.Read(ref s->Attention) != 0)
        {
            s->Pc = pc;
            s->Retired = retiredBase - (ulong)remaining;
            var goesOn = hart.Attend();
            pc = s->Pc;
            tlb = (byte*)s->DataTlb;
            if (!goesOn)
            {
                goto Leave;
            }
        }

        pageBase = pc & Mmu.PageMask;
        if (budget < CodeCache.MaxBlockInstructions)
        {
            op = DecodeAlone(pc);
        }
        else
        {
            var fetch = s->FetchTlb + ((pc >> 12) & (Mmu.FetchEntries - 1));
            var index = fetch->Tag == pageBase ? fetch->Page->Blocks[(pc & 0xFFF) >> 1] : 0;
            op = index != 0 ? code.Arena + index : hart.Mmu.FindBlock(pc);
        }

        if (op is null)
        {
            goto FetchTrap;
        }

    Dispatch:
        switch (op->Code)
        {
            case OpCode.Li:
                x[op->Rd] = (ulong)op->Imm;
                op++;
                goto Dispatch;

            case OpCode.Mv:
                x[op->Rd] = x[op->Rs1];
                op++;
                goto Dispatch;

            case OpCode.SextW:
                x[op->Rd] = (ulong)(int)x[op->Rs1];
                op++;
                goto Dispatch;

            case OpCode.ZextW:
                x[op->Rd] = (uint)x[op->Rs1];
                op++;
                goto Dispatch;

            case OpCode.Auipc:
                x[op->Rd] = pageBase + op->PcOffset + (ulong)op->Imm;
                op++;
                goto Dispatch;

            case OpCode.Addi:
                x[op->Rd] = x[op->Rs1] + (ulong)op->Imm;
                op++;
                goto Dispatch;

            case OpCode.Slti:
                x[op->Rd] = (long)x[op->Rs1] < op->Imm ? 1UL : 0UL;
                op++;
                goto Dispatch;

            case OpCode.Sltiu:
                x[op->Rd] = x[op->Rs1] < (ulong)op->Imm ? 1UL : 0UL;
                op++;
                goto Dispatch;

            case OpCode.Xori:
                x[op->Rd] = x[op->Rs1] ^ (ulong)op->Imm;
                op++;
                goto Dispatch;

            case OpCode.Ori:
                x[op->Rd] = x[op->Rs1] | (ulong)(long)op->Imm;
                op++;
                goto Dispatch;

            case OpCode.Andi:
                x[op->Rd] = x[op->Rs1] & (ulong)op->Imm;
                op++;
                goto Dispatch;

            case OpCode.Slli:
                x[op->Rd] = x[op->Rs1] << op->Imm;
                op++;
                goto Dispatch;

            case OpCode.Srli:
                x[op->Rd] = x[op->Rs1] >> op->Imm;
                op++;
                goto Dispatch;

            case OpCode.Srai:
                x[op->Rd] = (ulong)((long)x[op->Rs1] >> op->Imm);
                op++;
                goto Dispatch;

            case OpCode.Addiw:
                x[op->Rd] = (ulong)((int)x[op->Rs1] + op->Imm);
                op++;
                goto Dispatch;

            case OpCode.Slliw:
                x[op->Rd] = (ulong)((int)x[op->Rs1] << op->Imm);
                op++;
                goto Dispatch;

            case OpCode.Srliw:
                x[op->Rd] = (ulong)(int)((uint)x[op->Rs1] >> op->Imm);
                op++;
                goto Dispatch;

            case OpCode.Sraiw:
                x[op->Rd] = (ulong)((int)x[op->Rs1] >> op->Imm);
                op++;
                goto Dispatch;

            case OpCode.Add:
                x[op->Rd] = x[op->Rs1] + x[op->Rs2];
                op++;
                goto Dispatch;

            case OpCode.Sub:
                x[op->Rd] = x[op->Rs1] - x[op->Rs2];
                op++;
                goto Dispatch;

            case OpCode.Sll:
                x[op->Rd] = x[op->Rs1] << (int)x[op->Rs2];
                op++;
                goto Dispatch;

            case OpCode.Slt:
                x[op->Rd] = (long)x[op->Rs1] < (long)x[op->Rs2] ? 1UL : 0UL;
                op++;
                goto Dispatch;

            case OpCode.Sltu:
                x[op->Rd] = x[op->Rs1] < x[op->Rs2] ? 1UL : 0UL;
                op++;
                goto Dispatch;

            case OpCode.Xor:
                x[op->Rd] = x[op->Rs1] ^ x[op->Rs2];
                op++;
                goto Dispatch;

            case OpCode.Srl:
                x[op->Rd] = x[op->Rs1] >> (int)x[op->Rs2];
                op++;
                goto Dispatch;

            case OpCode.Sra:
                x[op->Rd] = (ulong)((long)x[op->Rs1] >> (int)x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.Or:
                x[op->Rd] = x[op->Rs1] | x[op->Rs2];
                op++;
                goto Dispatch;

            case OpCode.And:
                x[op->Rd] = x[op->Rs1] & x[op->Rs2];
                op++;
                goto Dispatch;

            case OpCode.Addw:
                x[op->Rd] = (ulong)((int)x[op->Rs1] + (int)x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.Subw:
                x[op->Rd] = (ulong)((int)x[op->Rs1] - (int)x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.Sllw:
                x[op->Rd] = (ulong)((int)x[op->Rs1] << (int)x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.Srlw:
                x[op->Rd] = (ulong)(int)((uint)x[op->Rs1] >> (int)x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.Sraw:
                x[op->Rd] = (ulong)((int)x[op->Rs1] >> (int)x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.Lb:
                va = x[op->Rs1] + (ulong)op->Imm;
                entry = (DataTlbEntry*)(tlb + (nuint)((va >> TlbIndexShift) & TlbIndexMask));
                if ((va & Mmu.PageMask) != entry->LoadTag)
                {
                    goto LoadMiss;
                }

                x[op->Rd] = (ulong)*(sbyte*)(va + entry->Addend);
                op++;
                goto Dispatch;

            case OpCode.Lh:
                va = x[op->Rs1] + (ulong)op->Imm;
                entry = (DataTlbEntry*)(tlb + (nuint)((va >> TlbIndexShift) & TlbIndexMask));
                if (((va + 1) & Mmu.PageMask) != entry->LoadTag)
                {
                    goto LoadMiss;
                }

                x[op->Rd] = (ulong)*(short*)(va + entry->Addend);
                op++;
                goto Dispatch;

            case OpCode.Lw:
                va = x[op->Rs1] + (ulong)op->Imm;
                entry = (DataTlbEntry*)(tlb + (nuint)((va >> TlbIndexShift) & TlbIndexMask));
                if (((va + 3) & Mmu.PageMask) != entry->LoadTag)
                {
                    goto LoadMiss;
                }

                x[op->Rd] = (ulong)*(int*)(va + entry->Addend);
                op++;
                goto Dispatch;

            case OpCode.Ld:
                va = x[op->Rs1] + (ulong)op->Imm;
                entry = (DataTlbEntry*)(tlb + (nuint)((va >> TlbIndexShift) & TlbIndexMask));
                if (((va + 7) & Mmu.PageMask) != entry->LoadTag)
                {
                    goto LoadMiss;
                }

                x[op->Rd] = *(ulong*)(va + entry->Addend);
                op++;
                goto Dispatch;

            case OpCode.Lbu:
                va = x[op->Rs1] + (ulong)op->Imm;
                entry = (DataTlbEntry*)(tlb + (nuint)((va >> TlbIndexShift) & TlbIndexMask));
                if ((va & Mmu.PageMask) != entry->LoadTag)
                {
                    goto LoadMiss;
                }

                x[op->Rd] = *(byte*)(va + entry->Addend);
                op++;
                goto Dispatch;

            case OpCode.Lhu:
                va = x[op->Rs1] + (ulong)op->Imm;
                entry = (DataTlbEntry*)(tlb + (nuint)((va >> TlbIndexShift) & TlbIndexMask));
                if (((va + 1) & Mmu.PageMask) != entry->LoadTag)
                {
                    goto LoadMiss;
                }

                x[op->Rd] = *(ushort*)(va + entry->Addend);
                op++;
                goto Dispatch;

            case OpCode.Lwu:
                va = x[op->Rs1] + (ulong)op->Imm;
                entry = (DataTlbEntry*)(tlb + (nuint)((va >> TlbIndexShift) & TlbIndexMask));
                if (((va + 3) & Mmu.PageMask) != entry->LoadTag)
                {
                    goto LoadMiss;
                }

                x[op->Rd] = *(uint*)(va + entry->Addend);
                op++;
                goto Dispatch;

            case OpCode.Sb:
                va = x[op->Rs1] + (ulong)op->Imm;
                entry = (DataTlbEntry*)(tlb + (nuint)((va >> TlbIndexShift) & TlbIndexMask));
                if ((va & Mmu.PageMask) != entry->StoreTag)
                {
                    goto StoreMiss;
                }

                *(byte*)(va + entry->Addend) = (byte)x[op->Rs2];
                op++;
                goto Dispatch;

            case OpCode.Sh:
                va = x[op->Rs1] + (ulong)op->Imm;
                entry = (DataTlbEntry*)(tlb + (nuint)((va >> TlbIndexShift) & TlbIndexMask));
                if (((va + 1) & Mmu.PageMask) != entry->StoreTag)
                {
                    goto StoreMiss;
                }

                *(ushort*)(va + entry->Addend) = (ushort)x[op->Rs2];
                op++;
                goto Dispatch;

            case OpCode.Sw:
                va = x[op->Rs1] + (ulong)op->Imm;
                entry = (DataTlbEntry*)(tlb + (nuint)((va >> TlbIndexShift) & TlbIndexMask));
                if (((va + 3) & Mmu.PageMask) != entry->StoreTag)
                {
                    goto StoreMiss;
                }

                *(uint*)(va + entry->Addend) = (uint)x[op->Rs2];
                op++;
                goto Dispatch;

            case OpCode.Sd:
                va = x[op->Rs1] + (ulong)op->Imm;
                entry = (DataTlbEntry*)(tlb + (nuint)((va >> TlbIndexShift) & TlbIndexMask));
                if (((va + 7) & Mmu.PageMask) != entry->StoreTag)
                {
                    goto StoreMiss;
                }

                *(ulong*)(va + entry->Addend) = x[op->Rs2];
                op++;
                goto Dispatch;

            case OpCode.Beqz:
                if (x[op->Rs1] == 0)
                {
                    goto Taken;
                }

                op++;
                goto Dispatch;

            case OpCode.Bnez:
                if (x[op->Rs1] != 0)
                {
                    goto Taken;
                }

                op++;
                goto Dispatch;

            case OpCode.Beq:
                if (x[op->Rs1] == x[op->Rs2])
                {
                    goto Taken;
                }

                op++;
                goto Dispatch;

            case OpCode.Bne:
                if (x[op->Rs1] != x[op->Rs2])
                {
                    goto Taken;
                }

                op++;
                goto Dispatch;

            case OpCode.Blt:
                if ((long)x[op->Rs1] < (long)x[op->Rs2])
                {
                    goto Taken;
                }

                op++;
                goto Dispatch;

            case OpCode.Bge:
                if ((long)x[op->Rs1] >= (long)x[op->Rs2])
                {
                    goto Taken;
                }

                op++;
                goto Dispatch;

            case OpCode.Bltu:
                if (x[op->Rs1] < x[op->Rs2])
                {
                    goto Taken;
                }

                op++;
                goto Dispatch;

            case OpCode.Bgeu:
                if (x[op->Rs1] >= x[op->Rs2])
                {
                    goto Taken;
                }

                op++;
                goto Dispatch;

            case OpCode.Mul:
                x[op->Rd] = x[op->Rs1] * x[op->Rs2];
                op++;
                goto Dispatch;

            case OpCode.Mulh:
                x[op->Rd] = (ulong)Math.BigMul((long)x[op->Rs1], (long)x[op->Rs2], out _);
                op++;
                goto Dispatch;

            case OpCode.Mulhsu:
                x[op->Rd] = Arithmetic.MultiplyHighSignedUnsigned(x[op->Rs1], x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.Mulhu:
                x[op->Rd] = Math.BigMul(x[op->Rs1], x[op->Rs2], out _);
                op++;
                goto Dispatch;

            case OpCode.Div:
                x[op->Rd] = Arithmetic.Divide((long)x[op->Rs1], (long)x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.Divu:
                x[op->Rd] = Arithmetic.Divide(x[op->Rs1], x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.Rem:
                x[op->Rd] = Arithmetic.Remainder((long)x[op->Rs1], (long)x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.Remu:
                x[op->Rd] = Arithmetic.Remainder(x[op->Rs1], x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.Mulw:
                x[op->Rd] = (ulong)((int)x[op->Rs1] * (int)x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.Divw:
                x[op->Rd] = Arithmetic.Divide((int)x[op->Rs1], (int)x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.Divuw:
                x[op->Rd] = Arithmetic.Divide((uint)x[op->Rs1], (uint)x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.Remw:
                x[op->Rd] = Arithmetic.Remainder((int)x[op->Rs1], (int)x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.Remuw:
                x[op->Rd] = Arithmetic.Remainder((uint)x[op->Rs1], (uint)x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.AddUw:
                x[op->Rd] = (uint)x[op->Rs1] + x[op->Rs2];
                op++;
                goto Dispatch;

            case OpCode.Sh1add:
                x[op->Rd] = (x[op->Rs1] << 1) + x[op->Rs2];
                op++;
                goto Dispatch;

            case OpCode.Sh2add:
                x[op->Rd] = (x[op->Rs1] << 2) + x[op->Rs2];
                op++;
                goto Dispatch;

            case OpCode.Sh3add:
                x[op->Rd] = (x[op->Rs1] << 3) + x[op->Rs2];
                op++;
                goto Dispatch;

            case OpCode.Sh1addUw:
                x[op->Rd] = ((ulong)(uint)x[op->Rs1] << 1) + x[op->Rs2];
                op++;
                goto Dispatch;

            case OpCode.Sh2addUw:
                x[op->Rd] = ((ulong)(uint)x[op->Rs1] << 2) + x[op->Rs2];
                op++;
                goto Dispatch;

            case OpCode.Sh3addUw:
                x[op->Rd] = ((ulong)(uint)x[op->Rs1] << 3) + x[op->Rs2];
                op++;
                goto Dispatch;

            case OpCode.SlliUw:
                x[op->Rd] = (ulong)(uint)x[op->Rs1] << op->Imm;
                op++;
                goto Dispatch;

            case OpCode.Andn:
                x[op->Rd] = x[op->Rs1] & ~x[op->Rs2];
                op++;
                goto Dispatch;

            case OpCode.Orn:
                x[op->Rd] = x[op->Rs1] | ~x[op->Rs2];
                op++;
                goto Dispatch;

            case OpCode.Xnor:
                x[op->Rd] = ~(x[op->Rs1] ^ x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.Clz:
                x[op->Rd] = (ulong)BitOperations.LeadingZeroCount(x[op->Rs1]);
                op++;
                goto Dispatch;

            case OpCode.Clzw:
                x[op->Rd] = (ulong)BitOperations.LeadingZeroCount((uint)x[op->Rs1]);
                op++;
                goto Dispatch;

            case OpCode.Ctz:
                x[op->Rd] = (ulong)BitOperations.TrailingZeroCount(x[op->Rs1]);
                op++;
                goto Dispatch;

            case OpCode.Ctzw:
                x[op->Rd] = (ulong)BitOperations.TrailingZeroCount((uint)x[op->Rs1]);
                op++;
                goto Dispatch;

            case OpCode.Cpop:
                x[op->Rd] = (ulong)BitOperations.PopCount(x[op->Rs1]);
                op++;
                goto Dispatch;

            case OpCode.Cpopw:
                x[op->Rd] = (ulong)BitOperations.PopCount((uint)x[op->Rs1]);
                op++;
                goto Dispatch;

            case OpCode.Max:
                x[op->Rd] = (ulong)Math.Max((long)x[op->Rs1], (long)x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.Maxu:
                x[op->Rd] = Math.Max(x[op->Rs1], x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.Min:
                x[op->Rd] = (ulong)Math.Min((long)x[op->Rs1], (long)x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.Minu:
                x[op->Rd] = Math.Min(x[op->Rs1], x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.SextB:
                x[op->Rd] = (ulong)(sbyte)x[op->Rs1];
                op++;
                goto Dispatch;

            case OpCode.SextH:
                x[op->Rd] = (ulong)(short)x[op->Rs1];
                op++;
                goto Dispatch;

            case OpCode.ZextH:
                x[op->Rd] = (ushort)x[op->Rs1];
                op++;
                goto Dispatch;

            case OpCode.Rol:
                x[op->Rd] = BitOperations.RotateLeft(x[op->Rs1], (int)x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.Rolw:
                x[op->Rd] = (ulong)(int)BitOperations.RotateLeft((uint)x[op->Rs1], (int)x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.Ror:
                x[op->Rd] = BitOperations.RotateRight(x[op->Rs1], (int)x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.Rori:
                x[op->Rd] = BitOperations.RotateRight(x[op->Rs1], op->Imm);
                op++;
                goto Dispatch;

            case OpCode.Roriw:
                x[op->Rd] = (ulong)(int)BitOperations.RotateRight((uint)x[op->Rs1], op->Imm);
                op++;
                goto Dispatch;

            case OpCode.Rorw:
                x[op->Rd] = (ulong)(int)BitOperations.RotateRight((uint)x[op->Rs1], (int)x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.OrcB:
                x[op->Rd] = Arithmetic.OrCombineBytes(x[op->Rs1]);
                op++;
                goto Dispatch;

            case OpCode.Rev8:
                x[op->Rd] = BinaryPrimitives.ReverseEndianness(x[op->Rs1]);
                op++;
                goto Dispatch;

            case OpCode.Bclr:
                x[op->Rd] = x[op->Rs1] & ~(1UL << (int)x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.Bclri:
                x[op->Rd] = x[op->Rs1] & ~(1UL << op->Imm);
                op++;
                goto Dispatch;

            case OpCode.Bext:
                x[op->Rd] = (x[op->Rs1] >> (int)x[op->Rs2]) & 1;
                op++;
                goto Dispatch;

            case OpCode.Bexti:
                x[op->Rd] = (x[op->Rs1] >> op->Imm) & 1;
                op++;
                goto Dispatch;

            case OpCode.Binv:
                x[op->Rd] = x[op->Rs1] ^ (1UL << (int)x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.Binvi:
                x[op->Rd] = x[op->Rs1] ^ (1UL << op->Imm);
                op++;
                goto Dispatch;

            case OpCode.Bset:
                x[op->Rd] = x[op->Rs1] | (1UL << (int)x[op->Rs2]);
                op++;
                goto Dispatch;

            case OpCode.Bseti:
                x[op->Rd] = x[op->Rs1] | (1UL << op->Imm);
                op++;
                goto Dispatch;
            case OpCode.Nop:
                op++;
                goto Dispatch;

            case OpCode.EndBlock:
                remaining -= op->Index;
                pc = pageBase + op->PcOffset;
                goto NextBlock;

            case OpCode.Jal:
                x[op->Rd] = pageBase + op->PcOffset + 4;
                goto Taken;

            case OpCode.J:
                goto Taken;

            case OpCode.Jalr:
                pc = (x[op->Rs1] + (ulong)op->Imm) & ~1UL;
                x[op->Rd] = pageBase + op->PcOffset + op->Rs2;
                remaining -= op->Index + 1;
                goto NextBlock;

            case OpCode.Fence:
                Arithmetic.Fence(op->Imm);
                op++;
                goto Dispatch;

            case OpCode.SstatusSet:
                va = x[op->Rs1] | ((ulong)(uint)op->Imm >> Decoder.CsrImmediateShift);
                if ((va & ~Status.Sie) != 0 || s->Privilege == PrivilegeMode.User)
                {
                    goto System;
                }

                x[op->Rd] = Arithmetic.SupervisorStatus(s->Mstatus);
                s->Mstatus |= va;
                if (va != 0 && (hart.Csrs.Pending & s->Mie) != 0)
                {
                    Volatile.Write(ref s->Attention, 1);
                    remaining -= op->Index + 1;
                    pc = pageBase + op->PcOffset + 4;
                    goto NextBlock;
                }

                op++;
                goto Dispatch;

            case OpCode.SstatusClear:
                va = x[op->Rs1] | ((ulong)(uint)op->Imm >> Decoder.CsrImmediateShift);
                if ((va & ~Status.Sie) != 0 || s->Privilege == PrivilegeMode.User)
                {
                    goto System;
                }

                x[op->Rd] = Arithmetic.SupervisorStatus(s->Mstatus);
                s->Mstatus &= ~va;
                op++;
                goto Dispatch;

            case OpCode.CsrRead:
                s->Retired = retiredBase - (ulong)remaining + op->Index;
                outcome = SystemInstructions.ReadControlRegister(hart, op);
                goto Finish;

            case OpCode.Atomic:
                outcome = AtomicInstructions.Execute(s, hart.Mmu, op);
                goto Finish;

            case OpCode.FloatingPoint:
                outcome = FloatInstructions.Execute(s, op);
                goto Finish;

            case OpCode.Fld:
                va = x[op->Rs1] + (ulong)op->Imm;
                entry = (DataTlbEntry*)(tlb + (nuint)((va >> TlbIndexShift) & TlbIndexMask));
                if (((va + 7) & Mmu.PageMask) != entry->LoadTag || (s->Mstatus & Status.Fs) == 0)
                {
                    goto LoadMiss;
                }

                s->F[op->Rd] = *(ulong*)(va + entry->Addend);
                s->Mstatus |= Status.Fs;
                op++;
                goto Dispatch;

            case OpCode.Fsd:
                va = x[op->Rs1] + (ulong)op->Imm;
                entry = (DataTlbEntry*)(tlb + (nuint)((va >> TlbIndexShift) & TlbIndexMask));
                if (((va + 7) & Mmu.PageMask) != entry->StoreTag || (s->Mstatus & Status.Fs) == 0)
                {
                    goto StoreMiss;
                }

                *(ulong*)(va + entry->Addend) = s->F[op->Rs2];
                op++;
                goto Dispatch;

            case OpCode.Flw:
                va = x[op->Rs1] + (ulong)op->Imm;
                goto LoadMiss;

            case OpCode.Fsw:
                va = x[op->Rs1] + (ulong)op->Imm;
                goto StoreMiss;

            case OpCode.Straddle:
                pc = pageBase + op->PcOffset;
                op = DecodeStraddling(pc, (uint)op->Imm);
                if (op is null)
                {
                    goto FetchTrap;
                }

                goto Dispatch;

            default:
                goto System;
        }

    LoadMiss:
        outcome = MemoryInstructions.Load(s, hart.Mmu, op, va);
        goto Finish;

    StoreMiss:
        outcome = MemoryInstructions.Store(s, hart.Mmu, op, va);

    Finish:
        if (outcome == Outcome.Done)
        {
            op++;
            goto Dispatch;
        }

        s->Pc = pageBase + op->PcOffset;
        if (outcome == Outcome.Trap)
        {
            goto Trap;
        }

        // The instruction is finished, and retired, when the device has answered.
        remaining -= op->Index;
        hart.WaitForBus(op, pageBase + op[1].PcOffset);
        pc = s->Pc;
        goto Leave;

    Taken:
        remaining -= op->Index + 1;
        if (op->Link != 0 && remaining > 0 && Volatile.Read(ref s->Attention) == 0)
        {
            op += op->Link;
            goto Dispatch;
        }

        pc = pageBase + op->PcOffset + (ulong)op->Imm;
        if ((pc & Mmu.PageMask) == pageBase && op->Link == 0 && remaining > 0 && Volatile.Read(ref s->Attention) == 0)
        {
            Link(op, pc);
        }

        goto NextBlock;

    System:
        s->Pc = pageBase + op->PcOffset;
        s->Retired = retiredBase - (ulong)remaining + op->Index;
        outcome = SystemInstructions.Execute(hart, op);
        tlb = (byte*)s->DataTlb;
        if (outcome == Outcome.Trap)
        {
            goto Trap;
        }

        remaining -= op->Index + 1;
        retiredBase -= outcome >= Outcome.Served ? 1UL : 0;
        pc = s->Pc;
        if (outcome is Outcome.Yield or Outcome.ServedYield)
        {
            goto Leave;
        }

        goto NextBlock;

    FetchTrap:
        s->Pc = pc;
        hart.TakeException();
        goto Trapped;

    Trap:
        remaining -= op->Index;
        hart.TakeException();

    Trapped:
        // A trap costs one, though nothing retired, so that an endless row of them ends the turn too.
        remaining--;
        retiredBase--;
        pc = s->Pc;
        tlb = (byte*)s->DataTlb;
        goto NextBlock;

    Leave:
        s->Pc = pc;
        s->Retired = retiredBase - (ulong)remaining;
        return budget - remaining;
    }

    // A jump inside the page, taken for the first time: from now on it goes straight to its target's block.
    private void Link(Op* op, ulong target)
    {
        var generation = code.Generation;
        var block = hart.Mmu.FindBlock(target);
        if (block is not null && code.Owns(op) && generation == code.Generation)
        {
            op->Link = (int)(block - op);
        }
    }

    // A 4-byte instruction in the last two bytes of a page: its second half is fetched through its own
    // translation each time, nothing of it is kept. A fault there has the second half's address as its value.
    private Op* DecodeStraddling(ulong pc, uint low) =>
        hart.Mmu.TryFetchHalfword(pc + 2, out var high) ? Single(pc, low | (high << 16), 4) : null;

    // One instruction as a block of its own, for a budget that must not be overdrawn by a whole block.
    private Op* DecodeAlone(ulong pc)
    {
        if (!hart.Mmu.TryFetchHalfword(pc, out var low))
        {
            return null;
        }

        return (low & 3) == 3 ? DecodeStraddling(pc, low) : Single(pc, CompressedExpander.Expand(low), 2);
    }

    private Op* Single(ulong pc, uint word, uint lengthBytes)
    {
        var offset = (ushort)(pc & 0xFFF);
        _single[0] = Decoder.Decode(word, lengthBytes) with { PcOffset = offset };
        _single[1] = new Op { Code = OpCode.EndBlock, PcOffset = (ushort)(offset + lengthBytes), Index = 1 };

        // SAFETY: the array is pinned and lives as long as this object.
        return (Op*)Unsafe.AsPointer(ref _single[0]);
    }
}
