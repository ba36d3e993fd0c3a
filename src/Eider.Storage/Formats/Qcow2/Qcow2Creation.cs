using System.Buffers.Binary;
using System.Numerics;
using System.Text;
using Eider.Storage.Encryption;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>Makes empty images.</summary>
internal static class Qcow2Creation
{
    private const int SectorBytes = 512;

    // In smaller clusters the names of features would leave no room for the name of a backing file.
    private const int MinClusterBytesWithNames = 2048;

    /// <summary>Writes an empty image over a file: header, refcount table, refcount blocks, L1 table.</summary>
    public static async ValueTask RunAsync(
        BlockStorage file, long sizeBytes, Qcow2CreateOptions options, BlockStorage? dataFile, CancellationToken cancellationToken)
    {
        Qcow2CreateParsing.Check(file, options, sizeBytes);
        var size = (Math.Min(sizeBytes, long.MaxValue - SectorBytes) + SectorBytes - 1) & ~(SectorBytes - 1L);
        var luksBytes = options.Encryption == Qcow2EncryptionMethod.Luks ? LuksArea.SizeOf(options.Luks.Cipher) : 0;
        var header = Place(file, HeaderOf(options, size), luksBytes);
        await ImageErrors.ExpectDoneAsync(file.ResizeAsync(0, cancellationToken), file, "cannot be resized").ConfigureAwait(false);
        var image = new ImageFile(file);
        await WriteTablesAsync(image, header, luksBytes, cancellationToken).ConfigureAwait(false);
        if (luksBytes > 0)
        {
            var (offset, _) = Qcow2Encryption.PlaceOf(header, file);
            var (_, cipher) = await LuksArea.CreateAsync(file, offset, options.Key!.Value, options.Luks, cancellationToken).ConfigureAwait(false);
            cipher.Dispose();
        }

        // The header comes last: until then the file is no image.
        await image.WriteAsync(0, Qcow2HeaderWriter.Write(header, file.Name), cancellationToken).ConfigureAwait(false);
        if (dataFile != null)
        {
            await ImageErrors.ExpectDoneAsync(dataFile.ResizeAsync(size, cancellationToken), dataFile, "cannot be resized").ConfigureAwait(false);
        }

        await image.TrimAsync(0, cancellationToken).ConfigureAwait(false);
        if (options.Preallocation != ImagePreallocation.Off && size > 0)
        {
            await PreallocateAsync(file, dataFile, 0, size, options.Preallocation, cancellationToken).ConfigureAwait(false);
        }
    }

    private static Qcow2Header HeaderOf(Qcow2CreateOptions options, long size)
    {
        var isVersion3 = options.Version == 3;
        var header = new Qcow2Header
        {
            Version = options.Version,
            ClusterBits = BitOperations.Log2((uint)options.ClusterBytes),
            SizeBytes = size,
            L1Entries = 0,
            L1Offset = 0,
            RefcountTableOffset = options.ClusterBytes,
            RefcountTableClusters = 1,
            RefcountOrder = BitOperations.Log2((uint)options.RefcountBits),
            HeaderBytes = isVersion3 ? 112 : Qcow2Header.Version2Bytes,
            CompressionType = options.CompressionType,
            UnknownFields = isVersion3 ? new byte[7] : default,
            IncompatibleFeatures = (options.HasExtendedL2 ? Qcow2IncompatibleFeatures.ExtendedL2 : 0)
                | (options.CompressionType != 0 ? Qcow2IncompatibleFeatures.CompressionType : 0)
                | (options.DataFileName != null ? Qcow2IncompatibleFeatures.ExternalDataFile : 0),
            CompatibleFeatures = options.HasLazyRefcounts ? Qcow2CompatibleFeatures.LazyRefcounts : 0,
            AutoclearFeatures = options.IsDataFileRaw ? Qcow2AutoclearFeatures.RawExternalData : 0,
            BackingName = options.BackingName,
            Encryption = options.Encryption,
        };
        if (options.BackingFormat != null)
        {
            header = header.With(Qcow2ExtensionType.BackingFormat, Encoding.UTF8.GetBytes(options.BackingFormat));
        }

        if (options.DataFileName != null)
        {
            header = header.With(Qcow2ExtensionType.DataFileName, Encoding.UTF8.GetBytes(options.DataFileName));
        }

        return isVersion3 && options.ClusterBytes >= MinClusterBytesWithNames ? header.With(Qcow2ExtensionType.FeatureNames, Qcow2FeatureNames.Table()) : header;
    }

    /// <summary>Decides where the tables lie: refcount table, refcount blocks, L1 table, LUKS header, one behind the other.</summary>
    private static Qcow2Header Place(BlockStorage file, Qcow2Header header, long luksBytes)
    {
        var entries = Qcow2HeaderReader.L1EntriesFor(header);
        if (entries > Qcow2Limits.MaxL1Bytes / 8)
        {
            throw ImageErrors.BadOption(
                file, $"a disk of {header.SizeBytes} bytes is too large for clusters of {header.ClusterBytes} bytes; use larger ones");
        }

        var bits = header.ClusterBits;
        var l1Clusters = ((entries * 8) + header.ClusterBytes - 1) >> bits;
        var bodyClusters = l1Clusters + ClustersOf(header, luksBytes);
        var perBlock = (long)header.ClusterBytes * 8 >> header.RefcountOrder;
        var (tableClusters, blocks) = (1L, 1L);
        while (blocks * perBlock < 1 + tableClusters + blocks + bodyClusters || tableClusters << (bits - 3) < blocks)
        {
            blocks = ((tableClusters + blocks + bodyClusters) / perBlock) + 1;
            tableClusters = ((blocks - 1) >> (bits - 3)) + 1;
        }

        var l1Offset = (1 + tableClusters + blocks) << bits;
        header = header with { RefcountTableClusters = (int)tableClusters, L1Entries = (int)entries, L1Offset = l1Offset };
        var luks = Qcow2Encryption.ExtensionFor(l1Offset + (l1Clusters << bits), luksBytes);
        return luksBytes == 0 ? header : header.With(luks.Type, luks.Data.ToArray());
    }

    private static long ClustersOf(Qcow2Header header, long bytes) => (bytes + header.ClusterBytes - 1) >> header.ClusterBits;

    private static async ValueTask WriteTablesAsync(
        ImageFile image, Qcow2Header header, long luksBytes, CancellationToken cancellationToken)
    {
        var bits = header.ClusterBits;
        var l1Clusters = ((header.L1Entries * 8L) + header.ClusterBytes - 1) >> bits;
        var firstBlock = header.RefcountTableOffset + ((long)header.RefcountTableClusters << bits);
        var blocks = (header.L1Offset - firstBlock) >> bits;
        var used = (header.L1Offset >> bits) + l1Clusters + ClustersOf(header, luksBytes);
        var table = new byte[header.RefcountTableClusters << bits];
        var perBlock = header.ClusterBytes * 8L >> header.RefcountOrder;
        var block = new byte[header.ClusterBytes];
        for (var index = 0L; index < blocks; index++)
        {
            BinaryPrimitives.WriteInt64BigEndian(table.AsSpan((int)index * 8), firstBlock + (index << bits));
            block.AsSpan().Clear();
            for (var cluster = 0; cluster < Math.Min(perBlock, used - (index * perBlock)); cluster++)
            {
                RefcountBits.Set(block, cluster, header.RefcountOrder, 1);
            }

            await image.WriteAsync(firstBlock + (index << bits), block, cancellationToken).ConfigureAwait(false);
        }

        await image.WriteAsync(header.RefcountTableOffset, table, cancellationToken).ConfigureAwait(false);
        if (l1Clusters > 0)
        {
            await image.WriteZeroesAsync(header.L1Offset, l1Clusters << bits, mayUnmap: true, cancellationToken).ConfigureAwait(false);
        }

        if (luksBytes > 0)
        {
            var luksOffset = header.L1Offset + (l1Clusters << bits);
            await image.WriteZeroesAsync(luksOffset, ClustersOf(header, luksBytes) << bits, mayUnmap: true, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Sets the clusters of a range aside in an image that was just made, or made larger.</summary>
    private static async ValueTask PreallocateAsync(
        BlockStorage file, BlockStorage? dataFile, long offset, long length, ImagePreallocation preallocation, CancellationToken cancellationToken)
    {
        var options = new ImageOpenOptions { Chain = ImageChainPolicy.Ignore, DataFile = dataFile == null ? null : new Borrowed(dataFile) };
        var core = await Qcow2Opening.OpenAsync(new Borrowed(file), options, cancellationToken).ConfigureAwait(false);
        var image = new Qcow2Image(ImageFormats.Qcow2, core);
        await using (image.ConfigureAwait(false))
        {
            await image.AloneAsync(() => SetAsideAsync(core, dataFile, offset, length, preallocation, cancellationToken), cancellationToken)
                .ConfigureAwait(false);
        }
    }

    /// <summary>Sets whole clusters of a range aside while nobody else is in the image; they hold nothing yet.</summary>
    /// <param name="core">The image.</param>
    /// <param name="dataFile">Its external data file, or null.</param>
    /// <param name="offset">Where it begins; rounded up to a cluster.</param>
    /// <param name="length">How long it is.</param>
    /// <param name="preallocation">How.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public static async ValueTask SetAsideAsync(
        Qcow2Core core, BlockStorage? dataFile, long offset, long length, ImagePreallocation preallocation, CancellationToken cancellationToken)
    {
        var end = offset + length;
        offset = (offset + core.Layout.ClusterMask) & ~core.Layout.ClusterMask;
        length = end - offset;
        if (length <= 0)
        {
            return;
        }

        await core.Writer.PreallocateAsync(offset, length, cancellationToken).ConfigureAwait(false);
        if (dataFile != null)
        {
            await ImagePreallocations.ApplyAsync(dataFile, offset, length, preallocation, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            // The file reaches over the clusters before a table refers to them.
            await core.File.GrowToAsync(core.File.UsedEndBytes, cancellationToken).ConfigureAwait(false);
            await core.Commit.RunAsync(mustFlush: false, withRefcounts: true, cancellationToken).ConfigureAwait(false);
            await SetHostAsideAsync(core, offset, length, preallocation, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Lets the host set space aside behind the clusters of a range.</summary>
    private static async ValueTask SetHostAsideAsync(
        Qcow2Core core, long offset, long length, ImagePreallocation preallocation, CancellationToken cancellationToken)
    {
        for (var guest = offset; guest < offset + length;)
        {
            var run = await core.Mapper.MapAsync(guest, offset + length - guest, cancellationToken).ConfigureAwait(false);
            if (run.HostOffset >= 0)
            {
                var whole = (run.LengthBytes + core.Layout.ClusterMask) & ~core.Layout.ClusterMask;
                await ImagePreallocations.ApplyAsync(core.File.Storage, run.HostOffset, whole, preallocation, cancellationToken)
                    .ConfigureAwait(false);
            }

            guest += run.LengthBytes;
        }
    }

    /// <summary>A storage of somebody else, which stays open.</summary>
    private sealed class Borrowed(BlockStorage inner) : Layers.BlockStorageLayer(inner, leaveOpen: true);
}
