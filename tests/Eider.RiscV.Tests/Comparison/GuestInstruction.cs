namespace Eider.RiscV.Tests.Comparison;

/// <summary>An encoded instruction of 2 or 4 bytes, and what it says.</summary>
internal readonly record struct GuestInstruction(uint Word, int LengthBytes, string Text)
{
    public override string ToString() =>
        LengthBytes == 2 ? $"    {Word:x4}  {Text}" : $"{Word:x8}  {Text}";
}
