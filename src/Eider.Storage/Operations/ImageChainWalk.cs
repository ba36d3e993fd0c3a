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
}
