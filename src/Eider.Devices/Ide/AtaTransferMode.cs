namespace Eider.Devices.Ide;

/// <summary>The transfer mode that SET FEATURES chose; an emulated cable is always fast enough, so it only shows in IDENTIFY data.</summary>
/// <param name="MultiwordDma">The mode's number; -1 if another kind is chosen.</param>
/// <param name="UltraDma">The mode's number; -1 if another kind is chosen.</param>
internal readonly record struct AtaTransferMode(int MultiwordDma, int UltraDma)
{
    private const int MaxPio = 4;
    private const int MaxMultiwordDma = 2;
    private const int MaxUltraDma = 5;

    /// <summary>After power-on: Ultra DMA 5.</summary>
    public static AtaTransferMode PowerOn => new(-1, MaxUltraDma);

    /// <summary>Word 63 of IDENTIFY data: which modes there are, and which is chosen.</summary>
    public ushort MultiwordWord => (ushort)(0x07 | (MultiwordDma < 0 ? 0 : 0x100 << MultiwordDma));

    /// <summary>Word 88 of IDENTIFY data.</summary>
    public ushort UltraWord => (ushort)(0x3F | (UltraDma < 0 ? 0 : 0x100 << UltraDma));

    /// <summary>Chooses a mode as Sector Count names it (ATA/ATAPI-6, table 45).</summary>
    /// <returns>False if there is no such mode.</returns>
    public bool TrySet(byte value, out AtaTransferMode mode)
    {
        var number = value & 7;
        mode = this;
        switch (value >> 3)
        {
            case 0 when number <= 1: // default PIO, with or without IORDY
            case 1 when number <= MaxPio:
            case 2 when number <= 2: // single word: such a drive's words are gone from the standard
                mode = new AtaTransferMode(-1, -1);
                return true;
            case 4 when number <= MaxMultiwordDma:
                mode = new AtaTransferMode(number, -1);
                return true;
            case 8 when number <= MaxUltraDma:
                mode = new AtaTransferMode(-1, number);
                return true;
            default:
                return false;
        }
    }
}
