namespace Eider.RiscV.Tests.Comparison;

/// <summary>
/// A 32-bit instruction whose operands may be anything. <paramref name="Operands"/> lists the fields in the order
/// of assembly: d s t are rd rs1 rs2 in x registers, D S T R are rd rs1 rs2 rs3 in f registers, m the rounding
/// mode, i a 12-bit immediate, h and w shift amounts of 6 and 5 bits, u an upper immediate.
/// </summary>
internal readonly record struct InstructionForm(string Name, uint Match, string Operands);
