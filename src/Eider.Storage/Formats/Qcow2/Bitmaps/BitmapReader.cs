using System.Globalization;

namespace Eider.Storage.Formats.Qcow2.Bitmaps;

/// <summary>
/// Reads bitmaps of an image into memory. All that one reader reads together is at most as long as the file, and the bits
/// of all its bitmaps have a limit: tables that lie over each other, or name one cluster often, cost no more.
/// </summary>
internal sealed class BitmapReader(Qcow2Core core)
{
    /// <summary>Most bits of all bitmaps that are in memory at once: 1 GiB, if all of them are mixed.</summary>
    public const long MaxBits = 1L << 33;

    private const ulong ReservedMask = 0xFF00_0000_0000_01FE;
    private const ulong AllOnes = 1;

    private long _bytesLeft = core.File.Storage.SizeBytes + core.Layout.ClusterBytes;
    private long _bitsLeft = MaxBits;

    /// <summary>True once the bitmaps were longer than the file: none is read any more.</summary>
    public bool IsSpent => _bytesLeft < 0;

    /// <summary>What is wrong with an entry of a bitmap table; null if nothing is.</summary>
    public static string? WhatIsWrong(Qcow2Layout layout, ulong entry, long fileBytes)
    {
        var offset = (long)(entry & L2Entry.OffsetMask);
        return (entry & ReservedMask) != 0 || (offset != 0 && (entry & AllOnes) != 0)
            ? "reserved bits are set"
            : (offset & layout.ClusterMask) != 0 || offset >= fileBytes ? "it does not begin with a cluster of the file" : null;
    }

    /// <summary>Reads the bits of a bitmap.</summary>
    /// <exception cref="BlockStorageException">
    /// Its table contradicts itself (<see cref="BlockErrorKind.CorruptImage"/>), the bitmaps are too large together
    /// (<see cref="BlockErrorKind.UnsupportedFeature"/>), or the host failed.
    /// </exception>
    public async ValueTask<Qcow2DirtyBits> LoadAsync(BitmapEntry entry, CancellationToken cancellationToken)
    {
        var size = core.Header.SizeBytes;
        _bitsLeft -= BitmapEntry.BitsFor(size, entry.GranularityBits);
        if (_bitsLeft < 0)
        {
            throw ImageErrors.Unsupported(
                core.Name,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"its enabled bitmaps have more than {MaxBits} bits together, which are kept in memory; disable or remove some with 'eider img bitmap'"));
        }

        var bits = new Qcow2DirtyBits(size, entry.GranularityBits);
        var table = await ReadTableAsync(entry, cancellationToken).ConfigureAwait(false);
        var buffer = new byte[core.Layout.ClusterBytes];
        var bitsOfCluster = (long)core.Layout.ClusterBytes * 8;
        for (var index = 0; index < table.Length; index++)
        {
            if (WhatIsWrong(core.Layout, table[index], core.File.Storage.SizeBytes) is { } what)
            {
                throw Damaged(entry, $"entry {index} of its table is {table[index]:x16}: {what}");
            }

            if (table[index] == AllOnes)
            {
                bits.LoadOnes(index * bitsOfCluster, bitsOfCluster);
            }
            else if (table[index] != 0)
            {
                Spend(entry, core.Layout.ClusterBytes);
                await core.File.ReadAsync((long)table[index], buffer, cancellationToken).ConfigureAwait(false);
                bits.Load(index * bitsOfCluster, buffer);
            }
        }

        bits.IsChanged = false;
        return bits;
    }

    /// <summary>The clusters of the bits of a bitmap; entries that cannot be are left out.</summary>
    public async ValueTask<List<long>> ClustersOfAsync(BitmapEntry entry, CancellationToken cancellationToken) =>
        [.. (await ReadTableAsync(entry, cancellationToken).ConfigureAwait(false))
            .Where(cluster => WhatIsWrong(core.Layout, cluster, core.File.Storage.SizeBytes) == null && cluster > AllOnes)
            .Select(cluster => (long)cluster)];

    /// <summary>The entries of a table that is known to lie inside of the file.</summary>
    public ValueTask<ulong[]> ReadTableAsync(BitmapEntry entry, CancellationToken cancellationToken)
    {
        Spend(entry, entry.TableEntries * 8);
        return L1Table.ReadAsync(core.File, entry.TableOffset, (int)entry.TableEntries, cancellationToken);
    }

    private void Spend(BitmapEntry entry, long bytes)
    {
        _bytesLeft -= bytes;
        if (_bytesLeft < 0)
        {
            throw Damaged(entry, $"the bitmaps are longer than the file: they lie over each other");
        }
    }

    private BlockStorageException Damaged(BitmapEntry entry, FormattableString what) => ImageErrors.Corrupt(
        core.Name, BlockOperation.Read, entry.TableOffset,
        string.Create(CultureInfo.InvariantCulture, $"the bitmap at {entry.TableOffset} is damaged: ") + what.ToString(CultureInfo.InvariantCulture));
}
