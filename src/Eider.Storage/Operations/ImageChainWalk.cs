using Eider.Storage.Backends;
using Eider.Storage.Formats;

namespace Eider.Storage.Operations;

/// <summary>Goes down an open chain of images.</summary>
public static class ImageChainWalk
{
    /// <summary>The image itself, the one behind it, and so on.</summary>
    public static IEnumerable<ImageStorage> Of(ImageStorage image)
    {
        for (var layer = image; layer != null; layer = layer.Backing as ImageStorage)
        {
            yield return layer;
        }
    }

    /// <summary>How many steps down the chain an image lies; null if it is not in it.</summary>
    /// <param name="image">The outermost image, depth 0.</param>
    /// <param name="wanted">The one that is looked for.</param>
    public static int? DepthOf(ImageStorage image, ImageStorage wanted)
    {
        var depth = 0;
        foreach (var layer in Of(image))
        {
            if (layer == wanted)
            {
                return depth;
            }

            depth++;
        }

        return null;
    }

    /// <summary>How many steps down the chain the image lies that a user names.</summary>
    /// <param name="image">The outermost image.</param>
    /// <param name="name">
    /// Where it is, or the name by which the image above it has it; null for the one right behind.
    /// </param>
    /// <returns>1 at least; null if there is none.</returns>
    public static int? FindBehind(ImageStorage image, string? name)
    {
        var chain = Of(image).ToList();
        var depth = name == null ? 1 : chain.FindIndex(1, layer => layer.Name == name || HostFile.AreSame(layer.Name, name));
        if (depth < 0)
        {
            depth = chain.FindIndex(above => above.BackingName == name) + 1;
        }

        return depth > 0 && depth < chain.Count ? depth : null;
    }
}
