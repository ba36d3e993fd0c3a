using Eider.Cli.QemuImg.Nodes;
using Eider.Storage;
using Eider.Storage.Formats;
using Eider.Storage.Layers;
using Eider.Storage.Operations;

namespace Eider.Cli.QemuImg;

/// <summary><c>qemu-img commit</c>.</summary>
internal static class QemuCommit
{
    private static readonly (string, string)[] LongNames = [("help", "h"), ("object:", "object"), ("image-opts", "image-opts")];

    public static async Task<int> RunAsync(IReadOnlyList<string> words, QemuOutput output, CancellationToken cancellationToken)
    {
        var arguments = QemuArguments.Parse(words, "f:ht:b:dpqr:", LongNames);
        var rate = arguments.Value("r") is { } limit ? QemuSizes.Parse("rate limit", limit) : 0;
        if (arguments.Names is not [var name])
        {
            throw QemuImgException.Usage("Expecting one image file name");
        }

        var cache = QemuOptions.Cache(arguments, "t", "cache", "writeback");
        var opener = QemuOptions.OpenerOf(arguments, output);
        var mode = QemuOptions.ModeOf(arguments, isWritable: true) with { IsDirect = cache.IsDirect };
        var depth = await DepthAsync(opener, name, mode, arguments, output, cancellationToken);
        await using (var node = await opener.OpenAsync(name, mode with { WritableDepth = depth }, cancellationToken))
        {
            var keeps = arguments.Has("d") || arguments.Has("b");
            await using var progress = new QemuProgress(arguments, output);
            await CommitAsync(node.Image, depth, keeps, rate, progress, cancellationToken);
        }

        if (!arguments.Has("q"))
        {
            output.Out.Write("Image committed.\n");
        }

        return 0;
    }

    private static async Task CommitAsync(
        ImageStorage image, int depth, bool keeps, long rate, QemuProgress progress, CancellationToken cancellationToken)
    {
        try
        {
            var target = ImageChainWalk.Of(image).ElementAt(depth);
            await ImageCommitter.CommitAsync(
                image, target, Environment.ProcessorCount, progress.Report, RateOf(rate), cancellationToken);
            if (!keeps && await image.MakeEmptyAsync(cancellationToken) == BlockResult.Ok)
            {
                await image.FlushAsync(cancellationToken);
            }
        }
        catch (BlockStorageException failure)
        {
            throw new QemuImgException($"Block job failed: {QemuWords.OfRequest(failure)}");
        }
    }

    private static ThrottleGroup? RateOf(long rate) =>
        rate == 0 ? null : new ThrottleGroup(new ThrottleLimits { ReadBytesPerSecond = rate }, TimeProvider.System);

    /// <summary>How far down the chain the image lies that is written.</summary>
    private static async Task<int> DepthAsync(
        NodeOpener opener, string name, OpenMode mode, QemuArguments arguments, QemuOutput output, CancellationToken cancellationToken)
    {
        await using var node = await opener.OpenAsync(name, mode, cancellationToken);
        var depth = ImageChainWalk.FindBehind(
            node.Image, arguments.Value("b") is { } below ? NodeNames.Beside(node.Image.Name, below) : null);
        if (depth is { } found)
        {
            return found;
        }

        // The line of progress begins before this is found out.
        await using var progress = new QemuProgress(arguments, output);
        throw new QemuImgException(arguments.Value("b") is { } wanted
            ? $"Did not find '{wanted}' in the backing chain of '{name}'"
            : "Image does not have a backing file");
    }
}
