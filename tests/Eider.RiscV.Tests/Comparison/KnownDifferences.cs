using System.Buffers.Binary;

namespace Eider.RiscV.Tests.Comparison;

/// <summary>
/// What QEMU 7.2 does otherwise than Eider, where it can be told apart from a fault: QEMU's record is changed to
/// what the specification says, or to the other choice that it leaves. docs/riscv-comparison.md names each.
/// </summary>
internal static class KnownDifferences
{
    private const ulong Breakpoint = 3;

    /// <param name="record">A block's record as QEMU left it.</param>
    /// <param name="block">The block.</param>
    public static void Explain(Span<byte> record, Block block)
    {
        Span<byte> cause = Csr(record, Comparison.Csr.Mcause);
        Span<byte> value = Csr(record, Comparison.Csr.Mtval);
        ulong pc = Read(Csr(record, Comparison.Csr.Mepc));

        // A breakpoint may report its address or zero (privileged ISA, "Machine Trap Value Register").
        if (Read(cause) == Breakpoint && Read(value) == 0)
        {
            Write(value, pc);
        }

        // Every fault of an AMO is one of a store (unprivileged ISA, "A"; privileged ISA, "Machine Cause Register").
        if (Read(cause) is 5 or 13 && IsAtomic(block, pc))
        {
            Write(cause, Read(cause) + 2);
        }
    }

    /// <summary>Whether an AMO stands there; lr, whose faults are those of loads, is none.</summary>
    private static bool IsAtomic(Block block, ulong pc)
    {
        ulong at = block.Start;
        foreach (GuestInstruction instruction in block.Code)
        {
            if (at == pc)
            {
                return instruction.LengthBytes == 4 && (instruction.Word & 0x7F) == 0x2F && instruction.Word >> 27 != 2;
            }

            at += (ulong)instruction.LengthBytes;
        }

        return false;
    }

    private static Span<byte> Csr(Span<byte> record, int number) =>
        record.Slice(Layout.RecordCsr + (8 * Array.IndexOf(Layout.Csrs, number)), 8);

    private static ulong Read(ReadOnlySpan<byte> at) => BinaryPrimitives.ReadUInt64LittleEndian(at);

    private static void Write(Span<byte> at, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(at, value);
}
