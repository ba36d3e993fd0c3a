namespace Eider.Storage.Formats.Qcow2.Bitmaps;

/// <summary>Flags of a bitmap (qcow2 specification, "Bitmap directory", bytes 12 to 15 of an entry).</summary>
[Flags]
internal enum BitmapFlags : uint
{
    None = 0,

    /// <summary>The bitmap was not saved well and may be inconsistent.</summary>
    InUse = 1,

    /// <summary>The bitmap must reflect all changes of the disk.</summary>
    Auto = 2,

    /// <summary>The bitmap may be used though its extra data are not known.</summary>
    ExtraDataCompatible = 4,
}
