namespace Eider.Storage.Formats.Qcow2;

/// <summary>
/// Learns of every change of the disk's content: persistent bitmaps. Whoever is one keeps the bitmaps consistent, so that
/// the autoclear bit of the bitmaps stays set while the image is written.
/// </summary>
internal interface IWriteObserver
{
    /// <summary>Called once, before the first change since the image was opened; what it writes must be durable at its end.</summary>
    ValueTask BeforeFirstChangeAsync(CancellationToken cancellationToken);

    /// <summary>A range of the disk is about to change. Called from any thread at once; must not wait.</summary>
    void OnChange(long offsetBytes, long lengthBytes);
}
