using Eider.Storage.Formats;

namespace Eider.Cli.QemuImg.Nodes;

/// <summary>An open image, and what it is called.</summary>
/// <param name="Image">The image.</param>
/// <param name="Text">Its driver and its name.</param>
internal sealed record ImageNode(ImageStorage Image, NodeText Text) : IAsyncDisposable
{
    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Image.DisposeAsync();
}
