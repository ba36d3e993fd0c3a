using Eider.Storage.Formats.Qcow2.Bitmaps;

namespace Eider.Storage.Formats.Qcow2.Checking;

/// <summary>
/// Counts what the bitmaps of an image refer to, and finds those whose tables cannot be. A repair drops these, or all of
/// them where the directory itself is damaged: bitmaps are no data of the disk.
/// </summary>
internal sealed class BitmapReferences(Qcow2Core core, FindingList findings)
{
    private const string TooLong = "the bitmaps are longer than the file: they lie over each other";

    private readonly HashSet<int> _damaged = [];
    private List<BitmapEntry>? _entries = [];

    /// <summary>True if a bitmap, or their directory, is damaged.</summary>
    public bool IsDamaged => _entries == null || _damaged.Count > 0;

    /// <summary>Counts.</summary>
    /// <param name="walk">Where to count.</param>
    /// <param name="cancellationToken">Ends the work early.</param>
    public async ValueTask CountAsync(ReferenceWalk walk, CancellationToken cancellationToken)
    {
        if (!BitmapDirectory.IsThere(core.Header))
        {
            return;
        }

        try
        {
            _entries = await BitmapDirectory.ReadAsync(core.Header, core.File, cancellationToken).ConfigureAwait(false);
        }
        catch (BlockStorageException damaged) when (damaged.Kind == BlockErrorKind.CorruptImage)
        {
            _entries = null;
            findings.Corruption(damaged.OffsetBytes ?? 0, $"ERROR {damaged.Message}");
            return;
        }

        var (offset, length, _) = BitmapDirectory.PlaceOf(core.Header, core.File);
        walk.Refer(offset, length, "bitmap directory");
        var reader = new BitmapReader(core);
        for (var index = 0; index < _entries.Count; index++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (await CountAsync(walk, reader, _entries[index], cancellationToken).ConfigureAwait(false) is { } what)
            {
                _damaged.Add(index);
                findings.Corruption(_entries[index].TableOffset, $"ERROR bitmap {index} with its table at {_entries[index].TableOffset}: {what}");
            }
        }
    }

    /// <summary>Takes what is damaged out of the directory, in place; a crash meanwhile leaves an image without bitmaps.</summary>
    public async ValueTask RepairAsync()
    {
        var kept = (_entries ?? []).Where((_, index) => !_damaged.Contains(index)).ToList();
        ReadOnlyMemory<byte>? extension = null;
        if (kept.Count > 0)
        {
            var (offset, _, _) = BitmapDirectory.PlaceOf(core.Header, core.File);
            var bytes = BitmapDirectory.Write(kept);
            extension = BitmapDirectory.Extension(kept.Count, bytes.Length, offset);
            await Qcow2HeaderChange.WriteAsync(
                core, header => header with { AutoclearFeatures = header.AutoclearFeatures & ~Qcow2AutoclearFeatures.Bitmaps })
                .ConfigureAwait(false);
            await core.File.WriteAsync(offset, bytes, CancellationToken.None).ConfigureAwait(false);
            await core.File.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        }

        await Qcow2HeaderChange.WriteAsync(core, header => header.With(Qcow2ExtensionType.Bitmaps, extension) with
        {
            AutoclearFeatures = extension == null
                ? header.AutoclearFeatures & ~Qcow2AutoclearFeatures.Bitmaps
                : header.AutoclearFeatures | Qcow2AutoclearFeatures.Bitmaps,
        }).ConfigureAwait(false);
        core.Bitmaps.Forget();
    }

    /// <summary>Counts one bitmap; what is wrong with it, or null.</summary>
    private async ValueTask<string?> CountAsync(
        ReferenceWalk walk, BitmapReader reader, BitmapEntry entry, CancellationToken cancellationToken)
    {
        var fileBytes = core.File.Storage.SizeBytes;
        if (entry.WhatIsWrong(core.Layout, core.Header.SizeBytes, fileBytes) is { } misplaced)
        {
            return misplaced;
        }

        if (reader.IsSpent)
        {
            return TooLong;
        }

        try
        {
            var table = await reader.ReadTableAsync(entry, cancellationToken).ConfigureAwait(false);
            walk.Refer(entry.TableOffset, entry.TableEntries * 8, "bitmap table");
            string? wrong = null;
            foreach (var cluster in table)
            {
                if (BitmapReader.WhatIsWrong(core.Layout, cluster, fileBytes) is { } what)
                {
                    wrong = $"entry {cluster:x16} of its table: {what}";
                }
                else if ((cluster & L2Entry.OffsetMask) != 0)
                {
                    walk.Refer((long)(cluster & L2Entry.OffsetMask), core.Layout.ClusterBytes, "bitmap data");
                }
            }

            return wrong;
        }
        catch (BlockStorageException damaged) when (damaged.Kind == BlockErrorKind.CorruptImage)
        {
            return TooLong;
        }
    }
}
