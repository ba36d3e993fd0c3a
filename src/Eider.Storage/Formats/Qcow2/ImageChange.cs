namespace Eider.Storage.Formats.Qcow2;

/// <summary>What a request does to the disk.</summary>
internal enum ImageChange
{
    /// <summary>Writes data.</summary>
    Write,

    /// <summary>Writes a compressed cluster.</summary>
    WriteCompressed,

    /// <summary>Writes zeroes, and keeps the space.</summary>
    Zero,

    /// <summary>Writes zeroes, and may give the space back.</summary>
    ZeroAndUnmap,

    /// <summary>Gives back space that holds zeroes: the disk reads as before.</summary>
    DropZeroes,

    /// <summary>Drops data.</summary>
    Discard,
}
