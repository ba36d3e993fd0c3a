using Eider.Storage;
using Eider.Storage.Backends;
using Eider.Storage.Layers;

namespace Eider.Cli.QemuImg.Nodes;

/// <summary>Opens the nodes below the formats.</summary>
internal static class ProtocolNodes
{
    private const long NullBytes = 1L << 30;

    /// <summary>A file, or a device.</summary>
    public static Node OpenFile(string driver, NodeOptions options, OpenMode mode)
    {
        var path = options.TakeText("filename") ?? throw new QemuImgException($"The '{driver}' block driver requires a file name");
        var file = FileStorage.Open(
            path, new FileStorageOptions { IsReadOnly = !mode.IsWritable, IsDirect = mode.IsDirect, Locking = LockingOf(mode) });
        return new Node(file, NodeText.OfProtocol(driver, path, new Dictionary<string, object> { ["filename"] = path }));
    }

    /// <summary>A disk that reads as zeroes and forgets what is written.</summary>
    public static Node OpenNull(string driver, NodeOptions options, OpenMode mode)
    {
        var texts = new Dictionary<string, object>();
        options.CopyTo(texts);
        options.Drop("read-zeroes");
        var plain = texts.Count == 0 ? driver + "://" : null;
        return new Node(
            new NullStorage(driver + "://", options.TakeSize("size") ?? NullBytes, !mode.IsWritable), NodeText.OfProtocol(driver, plain, texts));
    }

    /// <summary>The part of a file that the options of a raw image name.</summary>
    public static BlockStorage Cut(BlockStorage file, NodeOptions options)
    {
        var offset = options.TakeSize("offset") ?? 0;
        var size = options.TakeSize("size");
        if (offset > file.SizeBytes)
        {
            throw new QemuImgException($"Offset ({offset}) cannot be greater than size of the containing file ({file.SizeBytes})");
        }

        if (size > file.SizeBytes - offset)
        {
            throw new QemuImgException(
                $"The sum of offset ({offset}) and size ({size}) has to be smaller or equal to the  actual size of the containing file ({file.SizeBytes})");
        }

        return new RangeStorage(file, offset, size ?? file.SizeBytes - offset, file.Name);
    }

    /// <summary>Who else may have the files of an image open.</summary>
    public static FileLocking LockingOf(OpenMode mode) => mode.IsForced ? FileLocking.None : FileLocking.Exclusive;
}
