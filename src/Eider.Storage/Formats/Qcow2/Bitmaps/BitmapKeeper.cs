using System.Globalization;

namespace Eider.Storage.Formats.Qcow2.Bitmaps;

/// <summary>
/// Keeps the bitmaps of an image that is open for writing. Before the first change the enabled ones are read and marked
/// as in use in the file, durably; changes set bits in memory; at the end the bits are written and the marks taken away. So
/// after a crash a bitmap covers every change since it began, or says that it was in use.
/// </summary>
internal sealed class BitmapKeeper
{
    private readonly Qcow2Core _core;
    private readonly BitmapWriter _writer;
    private readonly AsyncMutex _mutex = new();
    private List<BitmapEntry> _entries = [];
    private Dictionary<int, Qcow2DirtyBits> _held = [];
    private Qcow2DirtyBits[] _tracked = [];
    private volatile bool _isReady;

    public BitmapKeeper(Qcow2Core core)
    {
        _core = core;
        _writer = new BitmapWriter(core);
        _isReady = !BitmapDirectory.IsThere(core.Header);
    }

    /// <summary>True if changes are recorded where they must be, or nothing is to be recorded.</summary>
    public bool IsReady => _isReady;

    /// <summary>What is about to change the disk calls this first.</summary>
    public ValueTask BeforeChangeAsync(CancellationToken cancellationToken) =>
        _isReady ? ValueTask.CompletedTask : BeginAsync(isForAll: false, cancellationToken);

    /// <summary>A range of the disk is about to change; from any thread, and allocates nothing for ranges that changed before.</summary>
    public void OnChange(long offsetBytes, long lengthBytes)
    {
        foreach (var bits in Volatile.Read(ref _tracked))
        {
            bits.Set(offsetBytes, lengthBytes);
        }
    }

    /// <summary>The directory; those that this handle has in use are not marked so.</summary>
    public async ValueTask<List<BitmapEntry>> ListAsync(CancellationToken cancellationToken)
    {
        await _mutex.EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return _held.Count == 0
                ? await BitmapDirectory.ReadAsync(_core.Header, _core.File, cancellationToken).ConfigureAwait(false)
                : [.. _entries.Select((entry, index) => _held.ContainsKey(index) ? Released(entry) : entry)];
        }
        finally
        {
            _mutex.Exit();
        }
    }

    /// <summary>The bits of a bitmap as they are now; nobody else is in the image.</summary>
    public async ValueTask<Qcow2DirtyBits> ReadAsync(int index, BitmapEntry entry, CancellationToken cancellationToken)
    {
        if (!_held.TryGetValue(index, out var held))
        {
            return await new BitmapReader(_core).LoadAsync(entry, cancellationToken).ConfigureAwait(false);
        }

        var copy = new Qcow2DirtyBits(held.SizeBytes, entry.GranularityBits);
        copy.Merge(held);
        return copy;
    }

    /// <summary>Takes all bitmaps into memory and marks them as in use: the disk is about to get another size. Nobody else is in the image.</summary>
    /// <exception cref="BlockStorageException">One of them cannot be used, for another reason than that it was in use.</exception>
    public async ValueTask HoldAllAsync(CancellationToken cancellationToken)
    {
        await SettleAsync(cancellationToken).ConfigureAwait(false);
        if (!_isReady)
        {
            await BeginAsync(isForAll: true, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Refuses a size of the disk for which a bitmap would be too large. All bitmaps are held.</summary>
    /// <exception cref="BlockStorageException">One would be.</exception>
    public void ThrowIfTooLargeFor(long sizeBytes)
    {
        foreach (var index in _held.Keys.Where(index => IsTooLargeFor(sizeBytes, index)))
        {
            throw ImageErrors.Unsupported(
                _core.Name,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"bitmap '{ImageErrors.Printable(_entries[index].Name)}' would take more than {BitmapEntry.MaxDataBytes >> 20} MiB for a disk of {sizeBytes} bytes; remove it, or add one with a larger granularity"));
        }
    }

    /// <summary>
    /// The disk has another size; what was added counts as changed. All bitmaps are held; one that would be too large is let
    /// go, and stays marked as in use.
    /// </summary>
    public void Resize(long sizeBytes)
    {
        _held = _held.Where(pair => !IsTooLargeFor(sizeBytes, pair.Key)).ToDictionary();
        Volatile.Write(ref _tracked, [.. _held.Where(pair => _entries[pair.Key].IsEnabled).Select(pair => pair.Value)]);
        foreach (var (index, bits) in _held)
        {
            var old = bits.SizeBytes;
            bits.Resize(sizeBytes);
            if (_entries[index].IsEnabled && sizeBytes > old)
            {
                bits.Set(old, sizeBytes - old);
            }
        }
    }

    /// <summary>Writes what is in memory, and takes the marks away; nobody else is in the image.</summary>
    public async ValueTask SettleAsync(CancellationToken cancellationToken)
    {
        if (_held.Count > 0)
        {
            await _core.Preparation.RunAsync(cancellationToken).ConfigureAwait(false);
            await _core.Preparation.BeforeMetadataChangeAsync(cancellationToken).ConfigureAwait(false);
            await WriteHeldAsync(cancellationToken).ConfigureAwait(false);
        }

        Forget();
    }

    /// <summary>Has the directory read anew before the next change; nobody else is in the image, and nothing is held.</summary>
    public void Forget()
    {
        (_entries, _held) = ([], []);
        Volatile.Write(ref _tracked, []);
        _isReady = !BitmapDirectory.IsThere(_core.Header);
    }

    private bool IsTooLargeFor(long sizeBytes, int index) =>
        BitmapEntry.BitsFor(sizeBytes, _entries[index].GranularityBits) > BitmapEntry.MaxDataBytes * 8;

    private static BitmapEntry Released(BitmapEntry entry) => entry with { Flags = entry.Flags & ~BitmapFlags.InUse };

    private async ValueTask BeginAsync(bool isForAll, CancellationToken cancellationToken)
    {
        await _mutex.EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_isReady)
            {
                return;
            }

            var entries = await BitmapDirectory.ReadAsync(_core.Header, _core.File, cancellationToken).ConfigureAwait(false);
            var reader = new BitmapReader(_core);
            var held = new Dictionary<int, Qcow2DirtyBits>();
            for (var index = 0; index < entries.Count; index++)
            {
                var bits = isForAll || entries[index].IsEnabled
                    ? await TryLoadAsync(reader, entries[index], cancellationToken).ConfigureAwait(false)
                    : null;
                if (bits != null)
                {
                    held.Add(index, bits);
                }
                else if (isForAll && !entries[index].IsInUse)
                {
                    // One that was in use may be of any size.
                    throw ImageErrors.Unsupported(
                        _core.Name,
                        $"bitmap '{ImageErrors.Printable(entries[index].Name)}' cannot be used, and so cannot follow the size of the disk; remove it with 'eider img bitmap --remove'");
                }
            }

            await MarkAsync(entries, held).ConfigureAwait(false);
            (_entries, _held) = (entries, held);
            Volatile.Write(ref _tracked, [.. held.Where(pair => entries[pair.Key].IsEnabled).Select(pair => pair.Value)]);
            _isReady = true;
        }
        finally
        {
            _mutex.Exit();
        }
    }

    /// <summary>Marks what is held as in use, and every enabled bitmap that cannot be kept: it misses changes from now on.</summary>
    private async ValueTask MarkAsync(List<BitmapEntry> entries, Dictionary<int, Qcow2DirtyBits> held)
    {
        var isChanged = false;
        for (var index = 0; index < entries.Count; index++)
        {
            if (!entries[index].IsInUse && (held.ContainsKey(index) || entries[index].IsEnabled))
            {
                entries[index] = entries[index] with { Flags = entries[index].Flags | BitmapFlags.InUse };
                isChanged = true;
            }
        }

        if (isChanged)
        {
            await _writer.WriteFlagsAsync(entries).ConfigureAwait(false);
        }
    }

    /// <summary>The bits of a bitmap; null if it cannot be used.</summary>
    private async ValueTask<Qcow2DirtyBits?> TryLoadAsync(BitmapReader reader, BitmapEntry entry, CancellationToken cancellationToken)
    {
        if (reader.IsSpent || entry.IsInUse || entry.WhatIsUnknown() != null
            || entry.WhatIsWrong(_core.Layout, _core.Header.SizeBytes, _core.File.Storage.SizeBytes) != null)
        {
            return null;
        }

        try
        {
            return await reader.LoadAsync(entry, cancellationToken).ConfigureAwait(false);
        }
        catch (BlockStorageException damaged) when (damaged.Kind == BlockErrorKind.CorruptImage)
        {
            return null;
        }
    }

    private async ValueTask WriteHeldAsync(CancellationToken cancellationToken)
    {
        var entries = _entries.ToList();
        var written = new List<int>();
        var replaced = new List<(long Offset, long LengthBytes)>();
        try
        {
            foreach (var (index, bits) in _held)
            {
                entries[index] = Released(entries[index]);
                if (bits.IsChanged)
                {
                    replaced.AddRange(await _writer.PlacesOfAsync(_entries[index], cancellationToken).ConfigureAwait(false));
                    entries[index] = await _writer.WriteAsync(entries[index], bits, cancellationToken).ConfigureAwait(false);
                    written.Add(index);
                }
            }

            if (written.Count == 0)
            {
                await _writer.WriteFlagsAsync(entries).ConfigureAwait(false);
                return;
            }

            await _writer.ReplaceAsync(entries, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            foreach (var index in written)
            {
                await _writer.GiveBackAsync(entries[index]).ConfigureAwait(false);
            }

            throw;
        }

        _writer.Free(replaced);
    }
}
