using Eider.Storage.Formats;
using Eider.Storage.Tests.Formats;

namespace Eider.Storage.Tests.Operations;

/// <summary>Opens image files for tests of operations, and lets qemu-img say what they read as.</summary>
internal static class ImageFiles
{
    /// <summary>Opens an image of a format with its chain.</summary>
    public static async Task<ImageStorage> OpenAsync(string path, string format, bool isReadOnly = false, int writableDepth = 0)
    {
        var token = TestContext.Current.CancellationToken;
        var file = await StorageOpener.OpenAsync(path, new StorageOpenOptions { IsReadOnly = isReadOnly }, token);
        var options = new ImageOpenOptions { IsReadOnly = isReadOnly, Chain = ImageChainPolicy.Allow, WritableDepth = writableDepth };
        return await ImageFormats.Get(format, path).OpenAsync(file, options, token);
    }

    /// <summary>What the disk of an image reads as, by the word of qemu-img.</summary>
    public static byte[] ContentOf(string path, string format)
    {
        var raw = path + ".content";
        QemuTools.Img("convert", "-f", format, "-O", "raw", path, raw);
        var bytes = File.ReadAllBytes(raw);
        File.Delete(raw);
        return bytes;
    }
}
