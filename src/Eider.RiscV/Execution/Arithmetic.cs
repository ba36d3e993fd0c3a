using System.Runtime.Intrinsics.X86;
using Eider.RiscV.Csr;

namespace Eider.RiscV.Execution;

/// <summary>Results that C# has no single operator for; none of them throws.</summary>
internal static class Arithmetic
{
    private const int PredecessorWrite = 0x10;
    private const int SuccessorRead = 0x02;

    /// <summary>High half of signed times unsigned.</summary>
    public static ulong MultiplyHighSignedUnsigned(ulong signed, ulong unsigned) =>
        Math.BigMul(signed, unsigned, out _) - ((long)signed < 0 ? unsigned : 0);

    /// <summary>Signed quotient (Unprivileged ISA, "Division Operations": by zero all ones, overflow wraps).</summary>
    public static ulong Divide(long dividend, long divisor) => divisor switch
    {
        0 => ulong.MaxValue,
        -1 => (ulong)-dividend,
        _ => (ulong)(dividend / divisor),
    };

    /// <summary>Unsigned quotient.</summary>
    public static ulong Divide(ulong dividend, ulong divisor) => divisor == 0 ? ulong.MaxValue : dividend / divisor;

    /// <summary>Signed remainder (by zero the dividend, overflow 0).</summary>
    public static ulong Remainder(long dividend, long divisor) => divisor switch
    {
        0 => (ulong)dividend,
        -1 => 0,
        _ => (ulong)(dividend % divisor),
    };

    /// <summary>Unsigned remainder.</summary>
    public static ulong Remainder(ulong dividend, ulong divisor) => divisor == 0 ? dividend : dividend % divisor;

    /// <summary>Signed 32-bit quotient, sign-extended.</summary>
    public static ulong Divide(int dividend, int divisor) => divisor switch
    {
        0 => ulong.MaxValue,
        -1 => (ulong)-dividend,
        _ => (ulong)(dividend / divisor),
    };

    /// <summary>Unsigned 32-bit quotient, sign-extended.</summary>
    public static ulong Divide(uint dividend, uint divisor) =>
        divisor == 0 ? ulong.MaxValue : (ulong)(int)(dividend / divisor);

    /// <summary>Signed 32-bit remainder, sign-extended.</summary>
    public static ulong Remainder(int dividend, int divisor) => divisor switch
    {
        0 => (ulong)dividend,
        -1 => 0,
        _ => (ulong)(dividend % divisor),
    };

    /// <summary>Unsigned 32-bit remainder, sign-extended.</summary>
    public static ulong Remainder(uint dividend, uint divisor) =>
        (ulong)(int)(divisor == 0 ? dividend : dividend % divisor);

    /// <summary>Each byte becomes all ones if it is not zero (Zbb, orc.b).</summary>
    public static ulong OrCombineBytes(ulong value)
    {
        // The sum of the low seven bits carries into the top bit of a byte exactly if one of them is set.
        const ulong Low = 0x7F7F_7F7F_7F7F_7F7F;
        var top = (((value & Low) + Low) | value) & ~Low;
        return (top >> 7) * 0xFF;
    }

    /// <summary>What <c>sstatus</c> shows of <c>mstatus</c>.</summary>
    public static ulong SupervisorStatus(ulong status) =>
        (status & (Status.SupervisorWritable | Status.UserXlen)) | ((status & Status.Fs) == Status.Fs ? Status.Sd : 0);

    /// <summary>
    /// A fence of the guest. Harts take turns on one thread, so it matters only towards devices on other threads:
    /// x86 keeps every order but that of a store before a later load.
    /// </summary>
    /// <param name="sets">Predecessor and successor sets as in the instruction: succ in bits 3:0, pred above.</param>
    public static void Fence(int sets)
    {
        const int Both = PredecessorWrite | SuccessorRead;
        if (!X86Base.IsSupported || (sets & Both) == Both)
        {
            Interlocked.MemoryBarrier();
        }
    }
}
