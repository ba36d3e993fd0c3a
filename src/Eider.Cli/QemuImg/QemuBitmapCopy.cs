using Eider.Cli.QemuImg.Nodes;
using Eider.Storage;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Formats.Qcow2.Bitmaps;
using Eider.Storage.Operations;

namespace Eider.Cli.QemuImg;

/// <summary>The persistent bitmaps that <c>convert --bitmaps</c> copies.</summary>
/// <param name="sources">The images that are converted.</param>
/// <param name="skipsBroken">True to leave out those that cannot be used.</param>
/// <param name="output">Where that is told.</param>
internal sealed class QemuBitmapCopy(IReadOnlyList<BlockStorage> sources, bool skipsBroken, QemuOutput output)
{
    private IReadOnlyList<Qcow2Bitmap> _all = [];

    /// <summary>Looks for bitmaps that cannot be copied.</summary>
    /// <exception cref="QemuImgException">There is one, or the source can have none.</exception>
    public async Task CheckSourceAsync(CancellationToken cancellationToken)
    {
        if (sources.Count > 1)
        {
            throw new QemuImgException("Copying bitmaps only possible with single source");
        }

        if (sources[0] is not Qcow2Image { Header.Version: >= 3 } image)
        {
            throw new QemuImgException("Source lacks bitmap support");
        }

        _all = await image.Bitmaps.ListAsync(cancellationToken);
        if (!skipsBroken && _all.FirstOrDefault(bitmap => !bitmap.IsUsable) is { } broken)
        {
            throw new QemuImgException(
                $"Cannot copy inconsistent bitmap '{broken.Name}'\nTry --skip-broken-bitmaps, or use 'qemu-img bitmap --remove' to delete it");
        }
    }

    /// <summary>Refuses a target that can have no bitmaps.</summary>
    /// <exception cref="QemuImgException">It cannot.</exception>
    public void CheckTarget(ImageNode target)
    {
        if (sources.Count == 1 && target.Image is not Qcow2Image { Header.Version: >= 3 })
        {
            throw new QemuImgException($"Format driver '{target.Text.Driver}' does not support bitmaps");
        }
    }

    /// <summary>Copies.</summary>
    /// <exception cref="QemuImgException">One cannot be copied.</exception>
    public async Task RunAsync(ImageNode target, CancellationToken cancellationToken)
    {
        foreach (var bitmap in _all)
        {
            if (!bitmap.IsUsable)
            {
                output.Complain($"warning: Skipping inconsistent bitmap '{bitmap.Name}'");
                continue;
            }

            try
            {
                await BitmapCopier.CopyAsync((Qcow2Image)sources[0], target.Image, [bitmap], cancellationToken);
            }
            catch (BlockStorageException failure)
            {
                throw new QemuImgException($"Failed to create bitmap {bitmap.Name}: {QemuWords.WithoutName(failure)}");
            }
        }

        await target.Image.FlushAsync(cancellationToken);
    }
}
