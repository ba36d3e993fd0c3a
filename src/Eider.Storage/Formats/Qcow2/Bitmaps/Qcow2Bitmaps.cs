using System.Globalization;
using System.Text;

namespace Eider.Storage.Formats.Qcow2.Bitmaps;

/// <summary>
/// The persistent dirty bitmaps of an image. An enabled one records every write of the disk, also by other programs that
/// know bitmaps; each change here is durable when it returns.
/// </summary>
public sealed class Qcow2Bitmaps
{
    private const long MinDefaultGranularity = 4096;
    private const long MaxDefaultGranularity = 65536;

    private readonly Qcow2Image _image;
    private readonly Qcow2Core _core;
    private readonly BitmapWriter _writer;

    internal Qcow2Bitmaps(Qcow2Image image)
    {
        _image = image;
        _core = image.Core;
        _writer = new BitmapWriter(_core);
    }

    /// <summary>The granularity that a new bitmap gets unless told otherwise, in bytes: a cluster, but 4 KiB at least and 64 KiB at most.</summary>
    public long DefaultGranularityBytes => Math.Clamp(_image.Header.ClusterBytes, MinDefaultGranularity, MaxDefaultGranularity);

    /// <summary>All bitmaps, in the order of the image.</summary>
    /// <param name="cancellationToken">Ends the request early.</param>
    /// <exception cref="BlockStorageException">The directory is damaged (<see cref="BlockErrorKind.CorruptImage"/>), or the host failed.</exception>
    public async ValueTask<IReadOnlyList<Qcow2Bitmap>> ListAsync(CancellationToken cancellationToken = default)
    {
        var token = await _core.Gate.EnterAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_image.IsClosed, _image);
            var entries = await _core.Bitmaps.ListAsync(cancellationToken).ConfigureAwait(false);
            var names = new HashSet<string>();
            return [.. entries.Select(entry => new Qcow2Bitmap
            {
                Name = entry.Name,
                GranularityBytes = 1L << (entry.GranularityBits & 63),
                IsEnabled = entry.IsEnabled,
                IsInUse = entry.IsInUse,
                Problem = ProblemOf(entry) ?? (names.Add(entry.Name) ? null : "another bitmap has the same name"),
            })];
        }
        finally
        {
            _core.Gate.Exit(token);
        }
    }

    /// <summary>The marks of a bitmap as they are now; a copy.</summary>
    /// <param name="name">Which one.</param>
    /// <param name="cancellationToken">Ends the request early.</param>
    /// <exception cref="BlockStorageException">There is none (<see cref="BlockErrorKind.NotFound"/>), or it cannot be used.</exception>
    public async ValueTask<Qcow2DirtyBits> ReadAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        await _core.Gate.EnterAloneAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(_image.IsClosed, _image);
            var entries = await _core.Bitmaps.ListAsync(cancellationToken).ConfigureAwait(false);
            var index = Find(entries, name, mustBeUsable: true);
            return await _core.Bitmaps.ReadAsync(index, entries[index], cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _core.Gate.ExitAlone();
        }
    }

    /// <summary>Adds a bitmap that marks nothing.</summary>
    /// <param name="name">Its name: new in the image, 1 to 1,023 bytes as UTF-8.</param>
    /// <param name="granularityBytes">How many bytes a bit stands for: a power of two from 512 to 2 GiB; 0 for <see cref="DefaultGranularityBytes"/>.</param>
    /// <param name="isEnabled">True to record writes from now on.</param>
    /// <param name="cancellationToken">Ends the work early, before the bitmap exists.</param>
    /// <exception cref="BlockStorageException">The image cannot have it (<see cref="BlockErrorKind.UnsupportedFeature"/>), or the host failed.</exception>
    public ValueTask AddAsync(string name, long granularityBytes = 0, bool isEnabled = true, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        return ChangeAsync(
            async entries =>
            {
                var entry = NewEntry(entries, name, granularityBytes == 0 ? DefaultGranularityBytes : granularityBytes, isEnabled);
                var bits = new Qcow2DirtyBits(_image.SizeBytes, entry.GranularityBits);
                entry = await _writer.WriteAsync(entry, bits, cancellationToken).ConfigureAwait(false);
                await ReplaceAsync([.. entries, entry], entry, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken);
    }

    /// <summary>Removes a bitmap, also one that cannot be used.</summary>
    /// <param name="name">Which one.</param>
    /// <param name="cancellationToken">Ends the work early, before anything changes.</param>
    /// <exception cref="BlockStorageException">There is none (<see cref="BlockErrorKind.NotFound"/>), or the host failed.</exception>
    public ValueTask RemoveAsync(string name, CancellationToken cancellationToken = default) => ChangeAsync(
        async entries =>
        {
            var old = entries[Find(entries, name, mustBeUsable: false)];
            var places = await _writer.PlacesOfAsync(old, cancellationToken).ConfigureAwait(false);
            entries.Remove(old);
            await _writer.ReplaceAsync(entries, cancellationToken).ConfigureAwait(false);
            _writer.Free(places);
        },
        cancellationToken);

    /// <summary>Takes all marks of a bitmap away.</summary>
    /// <param name="name">Which one.</param>
    /// <param name="cancellationToken">Ends the work early, before anything changes.</param>
    /// <exception cref="BlockStorageException">There is none (<see cref="BlockErrorKind.NotFound"/>), it cannot be used, or the host failed.</exception>
    public ValueTask ClearAsync(string name, CancellationToken cancellationToken = default) => ChangeAsync(
        entries =>
        {
            var index = Find(entries, name, mustBeUsable: true);
            return RewriteAsync(entries, index, new Qcow2DirtyBits(_image.SizeBytes, entries[index].GranularityBits), cancellationToken);
        },
        cancellationToken);

    /// <summary>Has a bitmap record writes from now on.</summary>
    /// <param name="name">Which one.</param>
    /// <param name="cancellationToken">Ends the work early, before anything changes.</param>
    /// <exception cref="BlockStorageException">There is none (<see cref="BlockErrorKind.NotFound"/>), it cannot be used, or the host failed.</exception>
    public ValueTask EnableAsync(string name, CancellationToken cancellationToken = default) => SetAsync(name, true, cancellationToken);

    /// <summary>Has a bitmap stay as it is from now on.</summary>
    /// <param name="name">Which one.</param>
    /// <param name="cancellationToken">Ends the work early, before anything changes.</param>
    /// <exception cref="BlockStorageException">There is none (<see cref="BlockErrorKind.NotFound"/>), it cannot be used, or the host failed.</exception>
    public ValueTask DisableAsync(string name, CancellationToken cancellationToken = default) => SetAsync(name, false, cancellationToken);

    /// <summary>Marks in a bitmap what another one marks too; granularities may differ.</summary>
    /// <param name="name">The bitmap that changes.</param>
    /// <param name="sourceName">The other one.</param>
    /// <param name="source">The image of the other one, whose disk is as large; null for this image.</param>
    /// <param name="cancellationToken">Ends the work early, before anything changes.</param>
    /// <exception cref="BlockStorageException">
    /// One of them is not there (<see cref="BlockErrorKind.NotFound"/>) or cannot be used, the disks differ in size, or the
    /// host failed.
    /// </exception>
    public async ValueTask MergeAsync(
        string name, string sourceName, Qcow2Image? source = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(sourceName);
        var other = await (source ?? _image).Bitmaps.ReadAsync(sourceName, cancellationToken).ConfigureAwait(false);
        await ChangeAsync(
            async entries =>
            {
                var index = Find(entries, name, mustBeUsable: true);
                if (other.SizeBytes != _image.SizeBytes)
                {
                    throw Refused(
                        $"bitmap '{sourceName}' is of a disk of {other.SizeBytes} bytes, and '{name}' of one of {_image.SizeBytes}: expected equal sizes");
                }

                var bits = await _core.Bitmaps.ReadAsync(index, entries[index], cancellationToken).ConfigureAwait(false);
                bits.Merge(other);
                await RewriteAsync(entries, index, bits, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Why a bitmap of this directory cannot be used; null if it can.</summary>
    private string? ProblemOf(BitmapEntry entry) =>
        entry.IsInUse ? "it was in use and never written back, so it may miss changes"
            : entry.WhatIsUnknown() ?? entry.WhatIsWrong(_core.Layout, _image.SizeBytes, _core.File.Storage.SizeBytes);

    private int Find(List<BitmapEntry> entries, string name, bool mustBeUsable)
    {
        ArgumentNullException.ThrowIfNull(name);
        var index = entries.FindIndex(entry => entry.Name == name);
        if (index < 0)
        {
            throw new BlockStorageException(
                BlockErrorKind.NotFound, BlockOperation.Read, _image.Name, null, $"{_image.Name}: there is no bitmap '{ImageErrors.Printable(name)}'");
        }

        return mustBeUsable && ProblemOf(entries[index]) is { } problem
            ? throw Refused($"bitmap '{name}' cannot be used, only removed: {problem}")
            : index;
    }

    private BitmapEntry NewEntry(List<BitmapEntry> entries, string name, long granularityBytes, bool isEnabled)
    {
        var bytes = Encoding.UTF8.GetBytes(name);
        if (bytes.Length is 0 or > BitmapEntry.MaxNameBytes)
        {
            throw Refused($"the name of a bitmap has {bytes.Length} bytes, expected 1 to {BitmapEntry.MaxNameBytes}");
        }

        if (entries.Exists(entry => entry.Name == name))
        {
            throw Refused($"there is a bitmap '{name}' already");
        }

        if (!long.IsPow2(granularityBytes) || granularityBytes is < 1L << BitmapEntry.MinGranularityBits or > 1L << BitmapEntry.MaxGranularityBits)
        {
            throw Refused($"found a granularity of {granularityBytes} bytes, expected a power of two from 512 to 2 GiB");
        }

        var granularityBits = (int)long.Log2(granularityBytes);
        if (BitmapEntry.BitsFor(_image.SizeBytes, granularityBits) > BitmapEntry.MaxDataBytes * 8)
        {
            throw Refused($"the bitmap would take more than {BitmapEntry.MaxDataBytes >> 20} MiB; use a larger granularity");
        }

        var entry = new BitmapEntry
        {
            NameBytes = bytes,
            GranularityBits = granularityBits,
            Flags = isEnabled ? BitmapFlags.Auto : BitmapFlags.None,
        };
        return entries.Count < Qcow2Limits.MaxBitmaps && entries.Sum(each => (long)each.LengthBytes) + entry.LengthBytes <= BitmapDirectory.MaxBytes
            ? entry
            : throw Refused($"found {entries.Count} bitmaps, expected at most {Qcow2Limits.MaxBitmaps} and a directory of {BitmapDirectory.MaxBytes >> 20} MiB");
    }

    private ValueTask SetAsync(string name, bool isEnabled, CancellationToken cancellationToken) => ChangeAsync(
        async entries =>
        {
            var index = Find(entries, name, mustBeUsable: true);
            var flags = entries[index].Flags & ~BitmapFlags.Auto;
            entries[index] = entries[index] with { Flags = isEnabled ? flags | BitmapFlags.Auto : flags };
            await _writer.WriteFlagsAsync(entries).ConfigureAwait(false);
        },
        cancellationToken);

    private async ValueTask RewriteAsync(List<BitmapEntry> entries, int index, Qcow2DirtyBits bits, CancellationToken cancellationToken)
    {
        var old = entries[index];
        var places = await _writer.PlacesOfAsync(old, cancellationToken).ConfigureAwait(false);
        entries[index] = await _writer.WriteAsync(old, bits, cancellationToken).ConfigureAwait(false);
        await ReplaceAsync(entries, entries[index], cancellationToken).ConfigureAwait(false);
        _writer.Free(places);
    }

    private async ValueTask ReplaceAsync(List<BitmapEntry> entries, BitmapEntry written, CancellationToken cancellationToken)
    {
        try
        {
            await _writer.ReplaceAsync(entries, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await _writer.GiveBackAsync(written).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Changes the bitmaps in the file, while nobody is in the image; what was recorded until now is written first.</summary>
    private ValueTask ChangeAsync(Func<List<BitmapEntry>, ValueTask> change, CancellationToken cancellationToken)
    {
        if (_image.Geometry.IsReadOnly)
        {
            throw new BlockStorageException(
                BlockErrorKind.AccessDenied, BlockOperation.Write, _image.Name, null, $"{_image.Name}: opened read-only; open it for writing to change its bitmaps");
        }

        if (_image.Header.Version < 3)
        {
            throw Refused($"an image of version 2 has no bitmaps; expected 3 ('eider img amend -o compat=1.1')");
        }

        return _image.AloneAsync(
            async () =>
            {
                await _core.Bitmaps.SettleAsync(cancellationToken).ConfigureAwait(false);
                var entries = await _core.Bitmaps.ListAsync(cancellationToken).ConfigureAwait(false);
                try
                {
                    await change(entries).ConfigureAwait(false);
                }
                finally
                {
                    _core.Bitmaps.Forget();
                }
            },
            cancellationToken);
    }

    private BlockStorageException Refused(FormattableString what) => new(
        BlockErrorKind.UnsupportedFeature, BlockOperation.Write, _image.Name, null,
        $"{_image.Name}: {ImageErrors.Printable(what.ToString(CultureInfo.InvariantCulture))}");
}
