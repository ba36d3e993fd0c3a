using Eider.Storage;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Layers;
using Eider.Storage.Operations;

namespace Eider.Cli.Images;

/// <summary>Copies a disk into an image that is open, as the settings of a conversion say.</summary>
/// <param name="source">The disk.</param>
/// <param name="target">The image; at least as large.</param>
/// <param name="settings">How.</param>
internal sealed class DiskCopy(BlockStorage source, ImageStorage target, ConvertSettings settings)
{
    /// <summary>The image behind the target, if only what differs from it shall be written; null to write all.</summary>
    public BlockStorage? Behind { get; init; }

    /// <summary>Told the place of each piece that cannot be read, where the settings salvage.</summary>
    public Action<long, long, BlockStorageException>? OnUnreadable { get; init; }

    /// <summary>Told how far it is.</summary>
    public OperationProgress? Progress { get; init; }

    /// <summary>The highest level of a compression.</summary>
    public static int HighestLevel(Qcow2Image image) => image.Header.CompressionType == 0 ? 9 : 22;

    /// <summary>The source, slowed down to a rate.</summary>
    /// <param name="source">The disk; it stays open.</param>
    /// <param name="bytesPerSecond">The rate; 0 for none.</param>
    public static BlockStorage Throttled(BlockStorage source, long bytesPerSecond) => bytesPerSecond == 0
        ? new ReadOnlyStorage(source, leaveOpen: true)
        : new ThrottleStorage(
            source, new ThrottleGroup(new ThrottleLimits { ReadBytesPerSecond = bytesPerSecond }, TimeProvider.System), leaveOpen: true);

    /// <summary>Copies. Nothing is durable before the target is flushed.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        if (settings.IsCompressed)
        {
            await CompressedImageCopier.CopyAsync(source, (Qcow2Image)target, CompressedOptions(), cancellationToken);
            return;
        }

        var options = new ImageCopyOptions
        {
            Workers = settings.Workers,
            IsOrdered = settings.IsOrdered,
            IsOwnOnly = settings.IsOwnOnly,
            SaysEveryZero = settings.SaysEveryZero,
            ZeroGranuleBytes = settings.SparseBytes,
            TargetIsZero = settings.TargetIsZero && !target.IsEncrypted,
            SkipsUnreadable = settings.Salvages,
            OnUnreadable = OnUnreadable,
            Progress = Progress,
        };
        if (Behind != null)
        {
            await DifferenceCopier.CopyAsync(source, target, Behind, options, cancellationToken);
        }
        else
        {
            await ImageCopier.CopyAsync(source, target, options, cancellationToken);
        }
    }

    private CompressedCopyOptions CompressedOptions() => new()
    {
        Level = settings.Level,
        Threads = settings.Workers,
        IsOrdered = settings.IsOrdered,
        IsOwnOnly = settings.IsOwnOnly,
        StoresZeroes = settings.SparseBytes == 0,
        TargetIsZero = settings.TargetIsZero,
        Progress = Progress,
    };
}
