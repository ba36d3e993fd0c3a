using Eider.ImageWorker;
using Eider.Storage.Backends;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Formats.Qcow2.Checking;
using Eider.Storage.Tests.Formats;

namespace Eider.Storage.Tests.Crash;

/// <summary>Looks at a state after a crash: the tables by a checker of its own, the content by the model.</summary>
internal sealed class CrashJudge(CrashSession session)
{
    private const int CheckEvery = 4;

    private readonly byte[] _content = new byte[CrashScenario.MaxSectors * TaggedSectors.Bytes];
    private int _states;

    /// <summary>Judges a state.</summary>
    /// <param name="state">The state.</param>
    /// <param name="model">What it may read as.</param>
    /// <param name="isDamaged">True if the tables need not be right.</param>
    /// <returns>What is wrong, or null.</returns>
    public async Task<string?> FindTroubleAsync(CrashState state, DiskModel model, bool isDamaged = false)
    {
        if (!isDamaged && PlainQcow2Checker.Check(state.Files[0].Memory) is { } trouble)
        {
            return trouble;
        }

        try
        {
            await using var image = await session.OpenAsync(StoragesOf(state), isReadOnly: true);
            return await FindTroubleAsync(image, model, state.Tick)
                ?? RawTrouble(image, state, model)
                ?? (isDamaged ? null : BitmapTrouble(state, model, (int)image.SizeBytes))
                ?? (isDamaged || _states++ % CheckEvery != 0 ? null : await FindMoreTroubleAsync(image, state, model));
        }
        catch (Exception exception) when (exception is BlockStorageException or InvalidOperationException)
        {
            return exception.Message;
        }
    }

    /// <summary>What a state reads as.</summary>
    public async Task<DiskModel> ModelOfAsync(CrashState state)
    {
        await using var image = await session.OpenAsync(StoragesOf(state), isReadOnly: true);
        var present = await TagsOfAsync(image);
        var tags = new uint[CrashScenario.MaxSectors];
        present.CopyTo(tags, 0);
        var model = new DiskModel(tags, present.Length) { IsRead = true };
        foreach (var name in (await image.GetSnapshotsAsync()).Select(snapshot => snapshot.Name))
        {
            await using var snapshot = await session.OpenAsync(StoragesOf(state), isReadOnly: true, snapshot: name);
            model.Snapshots.Add(new SnapshotModel(name, await TagsOfAsync(snapshot), 0) { End = 0 });
        }

        return model;
    }

    private async Task<uint[]> TagsOfAsync(Qcow2Image image)
    {
        var content = _content.AsMemory(0, (int)image.SizeBytes);
        Assert.Equal(BlockResult.Ok, await image.ReadAsync(0, content));
        var tags = new uint[content.Length / TaggedSectors.Bytes];
        for (var sector = 0; sector < tags.Length; sector++)
        {
            tags[sector] = TaggedSectors.TagOf(content.Span.Slice(sector * TaggedSectors.Bytes, TaggedSectors.Bytes), sector)
                ?? throw new InvalidOperationException("a sector has what nobody wrote");
        }

        return tags;
    }

    /// <summary>Read-only storages over the files of a state.</summary>
    private static BlockStorage[] StoragesOf(CrashState state) =>
        [.. state.Files.Select(file => new MemoryStorage((ReadOnlyMemory<byte>)file.Memory))];

    private async Task<string?> FindTroubleAsync(Qcow2Image image, DiskModel model, int tick)
    {
        if (image.SizeBytes > _content.Length)
        {
            return $"the disk has {image.SizeBytes} bytes";
        }

        var content = _content.AsMemory(0, (int)image.SizeBytes);
        return await image.ReadAsync(0, content) != BlockResult.Ok ? "cannot be read" : model.Check(content.Span, tick);
    }

    /// <summary>A raw data file reads as the disk does, for whoever opens it alone.</summary>
    private string? RawTrouble(Qcow2Image image, CrashState state, DiskModel model)
    {
        // What was not flushed may be there for the one and not for the other; whoever begins with such a state knows one only.
        if (!image.Header.IsDataFileRaw || model.IsRead)
        {
            return null;
        }

        var size = (int)image.SizeBytes;
        var file = state.Files[1].Memory.Span;
        _content.AsSpan(0, size).Clear();
        file[..Math.Min(size, file.Length)].CopyTo(_content);
        return model.Check(_content.AsSpan(0, size), state.Tick) is { } trouble ? $"the data file alone: {trouble}" : null;
    }

    /// <summary>
    /// An enabled bitmap that does not say that it was in use marks every sector that is not what it was when the bitmap
    /// began, or was cleared last.
    /// </summary>
    private string? BitmapTrouble(CrashState state, DiskModel model, int sizeBytes)
    {
        foreach (var bitmap in PlainBitmap.ReadAll(state.Files[0].Memory.Span, out _).Where(bitmap => !bitmap.IsInUse))
        {
            var bits = ((long)sizeBytes + (1L << bitmap.GranularityBits) - 1) >> bitmap.GranularityBits;
            var cluster = bitmap.Bits.Length / bitmap.Table.Length;
            if (bitmap.Table.Length != Math.Max(1, (((bits + 7) / 8) + cluster - 1) / cluster))
            {
                return $"bitmap '{bitmap.Name}' has a table of {bitmap.Table.Length} entries for a disk of {sizeBytes} bytes";
            }

            var begins = model.Bitmaps.Where(known => known.Name == bitmap.Name && known.BeginTick <= state.Tick && known.EndTick > state.Tick).ToList();
            if (bitmap.IsAuto && begins.Count > 0 && !begins.Exists(begin => FirstUnmarked(bitmap, begin, sizeBytes) == null))
            {
                return $"bitmap '{bitmap.Name}' does not mark sector {FirstUnmarked(bitmap, begins[0], sizeBytes)}, which changed since it began";
            }
        }

        return null;
    }

    private int? FirstUnmarked(PlainBitmap bitmap, BitmapModel begin, int sizeBytes)
    {
        for (var sector = 0; sector < sizeBytes / TaggedSectors.Bytes; sector++)
        {
            var found = TaggedSectors.TagOf(_content.AsSpan(sector * TaggedSectors.Bytes, TaggedSectors.Bytes), sector);
            if (found != begin.Tags[sector] && !bitmap.IsMarked((long)sector * TaggedSectors.Bytes))
            {
                return sector;
            }
        }

        return null;
    }

    /// <summary>The snapshots, and the image's own check.</summary>
    private async Task<string?> FindMoreTroubleAsync(Qcow2Image image, CrashState state, DiskModel model)
    {
        var present = (await image.GetSnapshotsAsync()).Select(snapshot => snapshot.Name).ToHashSet();
        foreach (var snapshot in model.Snapshots)
        {
            var isThere = present.Remove(snapshot.Name);
            if (isThere ? snapshot.Begin > state.Tick || snapshot.DeleteEnd <= state.Tick
                : snapshot.End <= state.Tick && snapshot.DeleteBegin > state.Tick)
            {
                return $"'{snapshot.Name}' is {(isThere ? "" : "not ")}there";
            }

            if (isThere && await FindSnapshotTroubleAsync(state, snapshot) is { } trouble)
            {
                return $"'{snapshot.Name}': {trouble}";
            }
        }

        if (present.Count > 0)
        {
            return $"there are snapshots {string.Join(", ", present)}";
        }

        var check = await image.CheckAsync();
        var worst = check.Findings.FirstOrDefault(finding => finding.Kind == Qcow2FindingKind.Corruption && !IsHarmless(image, finding));
        return worst != null && !image.Header.IsDirty ? $"check: {worst.Text}" : null;
    }

    /// <summary>
    /// Version 2 has no dirty bit to set while counts and flags change: a flag that is missing between the two costs a copy.
    /// One that is there without a reason would lose data, and the other checker looks for those.
    /// </summary>
    public static bool IsHarmless(Qcow2Image image, Qcow2Finding finding) =>
        image.Header.Version == 2 && finding.Text.Contains("OFLAG_COPIED", StringComparison.Ordinal);

    private async Task<string?> FindSnapshotTroubleAsync(CrashState state, SnapshotModel snapshot)
    {
        await using var image = await session.OpenAsync(StoragesOf(state), isReadOnly: true, snapshot: snapshot.Name);
        return await FindTroubleAsync(image, new DiskModel(snapshot.Tags, snapshot.Tags.Length), 0);
    }
}
