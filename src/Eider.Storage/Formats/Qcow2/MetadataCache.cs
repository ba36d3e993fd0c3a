using System.Collections.Concurrent;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>
/// L2 tables and refcount blocks in memory, in slices, up to a limit. A slice that is here is found without a lock; a
/// missing one is read once, whoever asks meanwhile waits for that. Changed slices stay until they are written.
/// </summary>
internal sealed class MetadataCache
{
    private readonly ImageFile _file;
    private readonly int _sliceBytes;
    private readonly int _maxSlices;
    private readonly ConcurrentDictionary<long, MetadataSlice> _slices = new();
    private readonly Dictionary<long, Task<MetadataSlice>> _loads = [];
    private readonly Lock _gate = new();
    private readonly List<MetadataSlice> _ring = [];
    private readonly HashSet<MetadataSlice> _dirty = [];
    private readonly Lock _dirtyGate = new();
    private int _hand;

    public MetadataCache(ImageFile file, int sliceBytes, long maxBytes)
    {
        _file = file;
        _sliceBytes = sliceBytes;
        _maxSlices = (int)Math.Clamp(maxBytes / sliceBytes, 16, 1 << 20);
    }

    /// <summary>Number of slices in memory.</summary>
    public int Count => _slices.Count;

    /// <summary>Number of slices that are not in the file yet as they are here.</summary>
    public int DirtyCount
    {
        get
        {
            lock (_dirtyGate)
            {
                return _dirty.Count;
            }
        }
    }

    /// <summary>True if so much is changed that it should be written before more is.</summary>
    public bool IsFullOfChanges => DirtyCount > _maxSlices / 2;

    /// <summary>Finds a slice in memory.</summary>
    public bool TryGet(long offset, out MetadataSlice slice)
    {
        if (!_slices.TryGetValue(offset, out slice!))
        {
            return false;
        }

        if (!slice.IsTouched)
        {
            slice.IsTouched = true;
        }

        return true;
    }

    /// <summary>A slice, from memory or from the file.</summary>
    public ValueTask<MetadataSlice> GetAsync(long offset, MetadataKind kind, CancellationToken cancellationToken) =>
        TryGet(offset, out var slice) ? ValueTask.FromResult(slice) : LoadAsync(offset, kind, cancellationToken);

    /// <summary>Takes slices up that are zero in the file, without reading them.</summary>
    public void AddZeroes(long offset, long lengthBytes, MetadataKind kind)
    {
        for (var end = offset + lengthBytes; offset < end; offset += _sliceBytes)
        {
            lock (_gate)
            {
                Insert(new MetadataSlice(offset, kind, new byte[_sliceBytes]) { IsTouched = true });
            }
        }
    }

    /// <summary>Remembers that a slice was changed; called under its gate.</summary>
    public void MarkDirty(MetadataSlice slice)
    {
        lock (_dirtyGate)
        {
            _dirty.Add(slice);
        }
    }

    /// <summary>The changed slices of a kind, in the order of the file.</summary>
    public List<MetadataSlice> DirtyOf(MetadataKind kind)
    {
        lock (_dirtyGate)
        {
            var found = _dirty.Where(slice => slice.Kind == kind).ToList();
            found.Sort((left, right) => left.Offset.CompareTo(right.Offset));
            return found;
        }
    }

    /// <summary>Says that a number of changes of a slice is in the file.</summary>
    public void MarkWritten(MetadataSlice slice, long changes)
    {
        lock (slice.Gate)
        {
            slice.WrittenChanges = Math.Max(slice.WrittenChanges, changes);
            if (!slice.IsDirty)
            {
                lock (_dirtyGate)
                {
                    _dirty.Remove(slice);
                }
            }
        }
    }

    /// <summary>Forgets what lies in a range of the file, changed or not: the range becomes something else.</summary>
    public void Forget(long offset, long lengthBytes)
    {
        for (var end = offset + lengthBytes; offset < end; offset += _sliceBytes)
        {
            if (_slices.TryRemove(offset, out var slice))
            {
                lock (slice.Gate)
                {
                    slice.IsEvicted = true;
                    lock (_dirtyGate)
                    {
                        _dirty.Remove(slice);
                    }
                }
            }
        }
    }

    /// <summary>Forgets everything: the file was changed by other means, while nobody else was in the image.</summary>
    public void Clear()
    {
        foreach (var offset in _slices.Keys)
        {
            Forget(offset, _sliceBytes);
        }
    }

    private async ValueTask<MetadataSlice> LoadAsync(long offset, MetadataKind kind, CancellationToken cancellationToken)
    {
        TaskCompletionSource<MetadataSlice>? load = null;
        Task<MetadataSlice>? running;
        lock (_gate)
        {
            if (_slices.TryGetValue(offset, out var present))
            {
                return present;
            }

            if (!_loads.TryGetValue(offset, out running))
            {
                load = new TaskCompletionSource<MetadataSlice>(TaskCreationOptions.RunContinuationsAsynchronously);
                _loads.Add(offset, load.Task);
            }
        }

        return running != null
            ? await running.WaitAsync(cancellationToken).ConfigureAwait(false)
            : await ReadAsync(offset, kind, load!).ConfigureAwait(false);
    }

    private async ValueTask<MetadataSlice> ReadAsync(long offset, MetadataKind kind, TaskCompletionSource<MetadataSlice> load)
    {
        try
        {
            // Not cancelled: others may wait for it by now.
            var bytes = GC.AllocateUninitializedArray<byte>(_sliceBytes);
            await _file.ReadAsync(offset, bytes, CancellationToken.None).ConfigureAwait(false);
            var slice = new MetadataSlice(offset, kind, bytes) { IsTouched = true };
            lock (_gate)
            {
                _loads.Remove(offset);
                Insert(slice);
            }

            load.SetResult(slice);
            return slice;
        }
        catch (Exception exception)
        {
            lock (_gate)
            {
                _loads.Remove(offset);
            }

            load.SetException(exception);
            _ = load.Task.Exception;
            throw;
        }
    }

    private void Insert(MetadataSlice slice)
    {
        _slices[slice.Offset] = slice;
        if (_ring.Count < _maxSlices)
        {
            _ring.Add(slice);
            return;
        }

        // Second chance: what was used since the hand passed stays for another round.
        for (var steps = 0; steps < 2 * _ring.Count; steps++)
        {
            _hand = _hand + 1 < _ring.Count ? _hand + 1 : 0;
            var candidate = _ring[_hand];
            if (candidate.IsTouched && !candidate.IsEvicted)
            {
                candidate.IsTouched = false;
            }
            else if (TryEvict(candidate))
            {
                _ring[_hand] = slice;
                return;
            }
        }

        // All of it waits to be written, which happens soon.
        _ring.Add(slice);
    }

    private bool TryEvict(MetadataSlice slice)
    {
        lock (slice.Gate)
        {
            if (slice.IsEvicted)
            {
                return true;
            }

            if (slice.IsDirty)
            {
                return false;
            }

            slice.IsEvicted = true;
            _slices.TryRemove(new KeyValuePair<long, MetadataSlice>(slice.Offset, slice));
            return true;
        }
    }
}
