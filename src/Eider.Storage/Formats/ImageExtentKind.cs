namespace Eider.Storage.Formats;

/// <summary>Where an image keeps the content of a run.</summary>
public enum ImageExtentKind
{
    /// <summary>Not in this image: the backing image has it, or it reads as zeroes.</summary>
    Unallocated,

    /// <summary>In this image, as plain bytes.</summary>
    Data,

    /// <summary>Zeroes, by this image's word; no space is set aside.</summary>
    Zero,

    /// <summary>Zeroes, by this image's word, with space set aside.</summary>
    AllocatedZero,

    /// <summary>In this image, compressed.</summary>
    Compressed,
}
