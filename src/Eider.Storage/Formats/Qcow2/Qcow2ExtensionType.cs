namespace Eider.Storage.Formats.Qcow2;

/// <summary>Types of header extensions (qcow2 specification, "Header extensions").</summary>
public enum Qcow2ExtensionType : uint
{
    /// <summary>No further extension.</summary>
    End = 0,

    /// <summary>Format name of the backing file.</summary>
    BackingFormat = 0xE279_2ACA,

    /// <summary>Names of feature bits, for messages.</summary>
    FeatureNames = 0x6803_F857,

    /// <summary>Where the directory of persistent bitmaps is.</summary>
    Bitmaps = 0x2385_2875,

    /// <summary>Where the header of full disk encryption is.</summary>
    EncryptionHeader = 0x0537_BE77,

    /// <summary>Name of the external data file.</summary>
    DataFileName = 0x4441_5441,
}
