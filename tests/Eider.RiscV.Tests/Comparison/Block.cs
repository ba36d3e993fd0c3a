namespace Eider.RiscV.Tests.Comparison;

/// <summary>A stretch of code that ends in a trap, with all that the hart holds when it begins.</summary>
internal sealed class Block
{
    public required string Kind { get; init; }

    public required ulong Start { get; init; }

    public List<GuestInstruction> Code { get; } = [];

    public ulong[] X { get; } = new ulong[32];

    public ulong[] F { get; } = new ulong[32];

    /// <summary>By index in <see cref="Layout.Csrs"/>.</summary>
    public ulong[] Csrs { get; } = new ulong[Layout.Csrs.Length];

    public ulong Fcsr { get; set; }

    public byte[] Window { get; } = new byte[Layout.WindowBytes];

    public int CodeBytes => Code.Sum(instruction => instruction.LengthBytes);

    public void Emit(uint word, string text) => Code.Add(new GuestInstruction(word, 4, text));

    public ulong this[int csr]
    {
        get => Csrs[Array.IndexOf(Layout.Csrs, csr)];
        set => Csrs[Array.IndexOf(Layout.Csrs, csr)] = value;
    }
}
