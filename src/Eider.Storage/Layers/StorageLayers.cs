using System.Text;
using Eider.Storage.Formats;

namespace Eider.Storage.Layers;

/// <summary>Layers from text, as machine files and the command line have them.</summary>
public static class StorageLayers
{
    private static readonly (string Kind, Func<LayerText, Recipe> Read)[] Kinds =
    [
        ("readonly", _ => new Recipe((storage, _) => new ReadOnlyStorage(storage))),
        ("range", ReadRange),
        ("partition", ReadPartition),
        ("copy-on-read", _ => new Recipe((storage, _) => new CopyOnReadStorage(ImageOf(storage)))),
        ("cache", ReadCache),
        ("throttle", ReadThrottle),
        ("delay", ReadDelay),
        ("fault", ReadFault),
        ("trace", ReadTrace),
        ("verify", ReadVerify),
    ];

    /// <summary>The kinds there are.</summary>
    public static IReadOnlyList<string> KindNames { get; } = [.. Kinds.Select(kind => kind.Kind)];

    /// <summary>A layer's text with its paths starting from a directory; a text that is none stays as it is.</summary>
    /// <param name="layer">The text.</param>
    /// <param name="directory">Where relative paths start.</param>
    public static string Rebase(string layer, string directory)
    {
        ArgumentNullException.ThrowIfNull(layer);
        ArgumentNullException.ThrowIfNull(directory);
        try
        {
            return LayerText.Parse(layer).Rebased(directory);
        }
        catch (FormatException)
        {
            return layer; // the check reports it
        }
    }

    /// <summary>True if a layer waits on a clock, which a deterministic machine does not have.</summary>
    /// <param name="layer">The text.</param>
    public static bool WaitsOnClock(string layer)
    {
        ArgumentNullException.ThrowIfNull(layer);
        return layer.Split(':')[0] is "throttle" or "delay";
    }

    /// <summary>Checks a layer's text without making the layer.</summary>
    /// <param name="layer">For example <c>throttle:iops=500:bps=20M</c>.</param>
    /// <exception cref="BlockStorageException">It is none; the message says what was found and expected.</exception>
    public static void Check(string layer)
    {
        ArgumentNullException.ThrowIfNull(layer);
        Read(layer);
    }

    /// <summary>Puts layers over a storage, the first one lowest.</summary>
    /// <param name="storage">What they stand on; closed with the result, and at once if this fails.</param>
    /// <param name="layers">Their texts.</param>
    /// <param name="context">What they share with the layers of other storages.</param>
    /// <param name="cancellationToken">Ends the attempt early.</param>
    /// <exception cref="BlockStorageException">A text is wrong, or a layer cannot stand there.</exception>
    public static async ValueTask<BlockStorage> ApplyAsync(
        BlockStorage storage, IEnumerable<string> layers, StorageLayerContext context, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(storage);
        ArgumentNullException.ThrowIfNull(layers);
        ArgumentNullException.ThrowIfNull(context);
        try
        {
            foreach (var (text, recipe) in layers.Select(text => (text, Read(text))).ToArray())
            {
                storage = await MakeAsync(storage, text, recipe, context, cancellationToken).ConfigureAwait(false);
            }

            return storage;
        }
        catch
        {
            await storage.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    private static async ValueTask<BlockStorage> MakeAsync(
        BlockStorage storage, string text, Recipe recipe, StorageLayerContext context, CancellationToken cancellationToken)
    {
        try
        {
            return await recipe.Make(storage, context, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is FormatException or ArgumentException)
        {
            throw Refused(text, exception);
        }
    }

    private static Recipe Read(string text)
    {
        try
        {
            var layer = LayerText.Parse(text);
            var kind = Array.Find(Kinds, kind => kind.Kind == layer.Kind);
            if (kind.Read == null)
            {
                throw new FormatException($"found '{layer.Kind}', expected {string.Join(", ", KindNames)}");
            }

            var recipe = kind.Read(layer);
            layer.CheckAllKnown();
            return recipe;
        }
        catch (FormatException exception)
        {
            throw Refused(text, exception);
        }
    }

    private static BlockStorageException Refused(string text, Exception exception) => new(
        BlockErrorKind.InvalidFormat, BlockOperation.Open, text, null, $"layer {text}: {exception.Message.ReplaceLineEndings(" ")}", exception);

    private static Recipe ReadRange(LayerText layer)
    {
        var offset = layer.Bytes("offset") ?? 0;
        var length = layer.Bytes("length");
        return new Recipe((storage, _) =>
        {
            var count = length ?? Math.Max(0, storage.SizeBytes - offset);
            return offset <= storage.SizeBytes && count <= storage.SizeBytes - offset
                ? new RangeStorage(storage, offset, count)
                : throw new FormatException($"the range ends at {offset + count}, but {storage.Name} has {storage.SizeBytes} bytes");
        });
    }

    private static Recipe ReadPartition(LayerText layer)
    {
        var number = (int)LayerText.Needed("number", layer.Number("number"));
        return new Recipe(async (storage, _, token) =>
            await RangeStorage.OfPartitionAsync(storage, number, cancellationToken: token).ConfigureAwait(false));
    }

    private static Recipe ReadCache(LayerText layer)
    {
        var size = layer.Bytes("size") ?? 64L << 20;
        return size < CacheStorage.BlockBytes
            ? throw new FormatException($"found size={size}, expected at least {CacheStorage.BlockBytes}")
            : new Recipe((storage, _) => new CacheStorage(storage, size));
    }

    private static Recipe ReadThrottle(LayerText layer)
    {
        var limits = new ThrottleLimits
        {
            RequestsPerSecond = layer.Number("iops") ?? 0,
            ReadsPerSecond = layer.Number("iops-read") ?? 0,
            WritesPerSecond = layer.Number("iops-write") ?? 0,
            BytesPerSecond = layer.Bytes("bps") ?? 0,
            ReadBytesPerSecond = layer.Bytes("bps-read") ?? 0,
            WriteBytesPerSecond = layer.Bytes("bps-write") ?? 0,
            Burst = TimeSpan.FromSeconds(Math.Min(3600, layer.Number("burst") ?? 0)),
        };
        var group = layer.Value("group");
        return group == null && limits with { Burst = default } == new ThrottleLimits()
            ? throw new FormatException("it limits nothing; expected iops, bps or group")
            : new Recipe((storage, context) => new ThrottleStorage(storage, context.Group(group, limits)));
    }

    private static Recipe ReadDelay(LayerText layer)
    {
        var delay = TimeSpan.FromMilliseconds(Math.Min(3_600_000, LayerText.Needed("ms", layer.Number("ms"))));
        return new Recipe((storage, context) => new DelayStorage(storage, context.TimeProvider, delay));
    }

    private static Recipe ReadFault(LayerText layer)
    {
        var rule = new FaultRule
        {
            Operation = layer.Value("op") switch
            {
                null => null,
                "read" => BlockOperation.Read,
                "write" => BlockOperation.Write,
                "flush" => BlockOperation.Flush,
                "discard" => BlockOperation.Discard,
                "zeroes" => BlockOperation.WriteZeroes,
                var other => throw new FormatException($"found op={other}, expected read, write, flush, discard or zeroes"),
            },
            Every = (int)Math.Clamp(layer.Number("every") ?? 1, 1, int.MaxValue),
            OffsetBytes = layer.Bytes("at"),
            IsOnce = layer.Flag("once"),
            TornBytes = layer.Bytes("torn") ?? 0,
            Kind = layer.Value("kind") switch
            {
                null or "io" => BlockErrorKind.Io,
                "nospace" => BlockErrorKind.NoSpace,
                "timeout" => BlockErrorKind.TimedOut,
                var other => throw new FormatException($"found kind={other}, expected io, nospace or timeout"),
            },
        };
        return new Recipe((storage, _) => new FaultStorage(storage, [rule]));
    }

    private static Recipe ReadTrace(LayerText layer)
    {
        var path = layer.Value("file") is { Length: > 0 } given ? given : throw new FormatException("file=... is missing");
        return new Recipe((storage, context) =>
        {
            var writer = TraceWriter.Create(path);
            return new TraceStorage(storage, context.TimeProvider, writer.Write) { Owned = writer };
        });
    }

    private static Recipe ReadVerify(LayerText layer)
    {
        var path = layer.Value("with") is { Length: > 0 } given ? given : throw new FormatException("with=... is missing");
        var format = layer.Value("format") ?? "raw";
        return new Recipe(async (storage, _, token) =>
        {
            var reference = await StorageOpener.OpenAsync(
                path, new StorageOpenOptions { Format = format, IsReadOnly = storage.Geometry.IsReadOnly }, token).ConfigureAwait(false);
            if (reference.SizeBytes == storage.SizeBytes)
            {
                return new MirrorVerifyStorage(storage, reference);
            }

            var size = reference.SizeBytes;
            await reference.DisposeAsync().ConfigureAwait(false);
            throw new FormatException($"{path} has {size} bytes, but {storage.Name} has {storage.SizeBytes}");
        });
    }

    private static ImageStorage ImageOf(BlockStorage storage) => storage as ImageStorage
        ?? throw new FormatException($"{storage.Name} is no image with another one behind it; it must be the lowest layer of a qcow2 disk");

    /// <summary>How a layer is made once its text is understood.</summary>
    private sealed class Recipe(Func<BlockStorage, StorageLayerContext, CancellationToken, ValueTask<BlockStorage>> make)
    {
        public Recipe(Func<BlockStorage, StorageLayerContext, BlockStorage> make)
            : this((storage, context, _) => ValueTask.FromResult(make(storage, context)))
        {
        }

        public Func<BlockStorage, StorageLayerContext, CancellationToken, ValueTask<BlockStorage>> Make { get; } = make;
    }

    /// <summary>A line for each request, whole even when the process is killed.</summary>
    private sealed class TraceWriter : IDisposable
    {
        private readonly Lock _gate = new();
        private readonly Microsoft.Win32.SafeHandles.SafeFileHandle _file;
        private long _position;

        private TraceWriter(Microsoft.Win32.SafeHandles.SafeFileHandle file) => _file = file;

        public static TraceWriter Create(string path)
        {
            try
            {
                return new TraceWriter(File.OpenHandle(path, FileMode.Create, FileAccess.Write, FileShare.Read));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw new FormatException($"{path} cannot be written: {exception.Message}", exception);
            }
        }

        public void Dispose() => _file.Dispose();

        public void Write(BlockTraceEntry entry)
        {
            var line = Encoding.UTF8.GetBytes(entry + "\n");
            try
            {
                lock (_gate)
                {
                    RandomAccess.Write(_file, line, _position);
                    _position += line.Length;
                }
            }
            catch (Exception exception) when (exception is IOException or ObjectDisposedException)
            {
                // A trace that finds no room must not fail the disk.
            }
        }
    }
}
