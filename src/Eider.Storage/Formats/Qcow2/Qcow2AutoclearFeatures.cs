namespace Eider.Storage.Formats.Qcow2;

/// <summary>
/// Feature bits that a program clears before it writes, unless it knows them (qcow2 specification, "Header", bytes 88
/// to 95).
/// </summary>
[Flags]
public enum Qcow2AutoclearFeatures : ulong
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>The bitmaps extension is consistent with the data.</summary>
    Bitmaps = 1,

    /// <summary>The external data file can be read alone as a raw image.</summary>
    RawExternalData = 2,
}
