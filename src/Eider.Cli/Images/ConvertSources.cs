using Eider.Cli.Errors;
using Eider.Storage;
using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Layers;
using Eider.Storage.Operations;

namespace Eider.Cli.Images;

/// <summary>The images that a conversion reads: one, or several whose disks follow each other.</summary>
internal sealed class ConvertSources : IAsyncDisposable
{
    private readonly List<ImageStorage> _images = [];

    private ConvertSources()
    {
    }

    /// <summary>The only image, or the first.</summary>
    public ImageStorage First => _images[0];

    /// <summary>The disk to read; open as long as this is.</summary>
    public BlockStorage Disk => _images.Count == 1 ? First : new ConcatenatedStorage(_images, leaveOpen: true);

    /// <summary>Opens the images.</summary>
    /// <param name="access">How.</param>
    /// <param name="locations">Where they are; one at least.</param>
    /// <param name="target">What is written, which must be none of them.</param>
    /// <param name="mayBeTruncated">True to read what is there of images that were cut short.</param>
    /// <param name="cancellationToken">Ends the attempt early.</param>
    /// <exception cref="CliException">One of them is the target.</exception>
    public static async Task<ConvertSources> OpenAsync(
        ImageAccess access, IReadOnlyList<string> locations, string target, bool mayBeTruncated, CancellationToken cancellationToken)
    {
        var sources = new ConvertSources();
        try
        {
            foreach (var location in locations)
            {
                if (HostFile.AreSame(location, target))
                {
                    throw new CliException(ExitCode.Usage, $"{location} and {target} are one file; expected another place for the target");
                }

                sources._images.Add(await access.OpenForReadingAsync(location, cancellationToken));
                if (!mayBeTruncated)
                {
                    await ImageTruncation.ThrowIfTruncatedAsync(sources._images[^1], cancellationToken);
                }
            }

            return sources;
        }
        catch
        {
            await sources.DisposeAsync();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var image in _images)
        {
            await image.DisposeAsync();
        }
    }
}
