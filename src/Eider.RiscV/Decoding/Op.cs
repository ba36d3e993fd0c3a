using System.Runtime.InteropServices;

namespace Eider.RiscV.Decoding;

/// <summary>One decoded instruction, 16 bytes, made once for each place in a physical page.</summary>
/// <remarks>
/// An instruction's length is the distance to the next operation's <see cref="PcOffset"/>. Operations that end
/// a block have no next one and carry their length in <see cref="Rs2"/>, which none of them but
/// <c>sfence.vma</c> (always 4 bytes) needs.
/// </remarks>
[StructLayout(LayoutKind.Sequential, Size = 16)]
internal struct Op
{
    /// <summary>What to do.</summary>
    public OpCode Code;

    /// <summary>Destination; x0 as a destination of an integer result was made <see cref="SinkRegister"/>.</summary>
    public byte Rd;

    /// <summary>First source, or the immediate of a CSR instruction.</summary>
    public byte Rs1;

    /// <summary>Second source, or the length of an operation that ends a block.</summary>
    public byte Rs2;

    /// <summary>Instructions before this one in its block: what is retired when this one traps.</summary>
    public byte Index;

    /// <summary>Address relative to the start of the page.</summary>
    public ushort PcOffset;

    /// <summary>
    /// Immediate. CSR, atomic and floating-point operations keep what selects them here (see the decoder).
    /// </summary>
    public int Imm;

    /// <summary>
    /// For jumps inside the page: distance, in operations, to the first operation of the target's block; 0
    /// while it is not known.
    /// </summary>
    public int Link;

    /// <summary>Index of the register that swallows results for x0.</summary>
    public const byte SinkRegister = 32;
}
