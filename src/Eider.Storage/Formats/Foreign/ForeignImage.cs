namespace Eider.Storage.Formats.Foreign;

/// <summary>What the header of an image says whose data are not read here: VHD, VHDX, VMDK or VDI.</summary>
/// <param name="Format">The format: <c>vhd</c>, <c>vhdx</c>, <c>vmdk</c> or <c>vdi</c>.</param>
/// <param name="Kind">The kind within the format, such as <c>dynamic</c> or <c>monolithicSparse</c>.</param>
/// <param name="SizeBytes">Size of the disk in bytes.</param>
public sealed record ForeignImage(string Format, string Kind, long SizeBytes)
{
    /// <summary>The bytes of the unit in which space is set aside; null where there is none.</summary>
    public long? BlockBytes { get; init; }

    /// <summary>The name of the image behind this one as the image has it; null if it has none.</summary>
    public string? ParentName { get; init; }

    /// <summary>Reads the header. No other file is opened; at most 128 KiB are read.</summary>
    /// <param name="file">The file.</param>
    /// <param name="cancellationToken">Ends the attempt early.</param>
    /// <returns>Null if it is no image of these formats.</returns>
    /// <exception cref="BlockStorageException">It is one whose header contradicts itself, or the file cannot be read.</exception>
    public static async ValueTask<ForeignImage?> TryReadAsync(BlockStorage file, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        var reader = new HeaderReader(file);
        return await VhdxHeader.TryReadAsync(reader, cancellationToken).ConfigureAwait(false)
            ?? await VmdkHeader.TryReadAsync(reader, cancellationToken).ConfigureAwait(false)
            ?? await VdiHeader.TryReadAsync(reader, cancellationToken).ConfigureAwait(false)
            ?? await VhdFooter.TryReadAsync(reader, cancellationToken).ConfigureAwait(false);
    }
}
