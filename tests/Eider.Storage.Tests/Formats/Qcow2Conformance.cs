using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Testing.Storage;

namespace Eider.Storage.Tests.Formats;

/// <summary>An image in a file, checked by QEMU's own check after each test.</summary>
public abstract class Qcow2Conformance : BlockStorageConformance, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private int _files;

    protected override int SizeMultiple => 512;

    protected virtual Qcow2CreateOptions Options => new();

    protected virtual bool HasDataFile => false;

    protected override async ValueTask<BlockStorage> CreateAsync(byte[] content)
    {
        var path = _folder[$"disk{_files++}.qcow2"];
        await using (var file = FileStorage.Create(path, 0))
        {
            await using var data = HasDataFile ? FileStorage.Create(path + ".data", 0) : null;
            var options = HasDataFile ? Options with { DataFileName = path + ".data" } : Options;
            await Qcow2Format.CreateAsync(file, content.Length, options, data);
        }

        var image = await OpenAsync(path);
        Assert.Equal(BlockResult.Ok, await image.WriteAsync(0, content));
        return image;
    }

    protected static ValueTask<BlockStorage> OpenAsync(string path) => StorageOpener.OpenAsync(
        path,
        new StorageOpenOptions
        {
            Format = "qcow2",
            Image = new ImageOpenOptions { Chain = ImageChainPolicy.Allow, CacheBytes = 64 * 1024 },
        });

    public void Dispose()
    {
        try
        {
            for (var index = 0; index < _files; index++)
            {
                QemuTools.Check(_folder[$"disk{index}.qcow2"]);
            }
        }
        finally
        {
            _folder.Dispose();
            GC.SuppressFinalize(this);
        }
    }
}

public sealed class Qcow2DefaultConformance : Qcow2Conformance
{
    protected override bool IsAllocationFree => true;
}

public sealed class Qcow2SmallClusterConformance : Qcow2Conformance
{
    protected override Qcow2CreateOptions Options => new() { ClusterBytes = 512, RefcountBits = 64 };
}

public sealed class Qcow2Version2Conformance : Qcow2Conformance
{
    protected override Qcow2CreateOptions Options => new() { Version = 2, ClusterBytes = 4096 };
}

public sealed class Qcow2LargeClusterConformance : Qcow2Conformance
{
    protected override Qcow2CreateOptions Options => new() { ClusterBytes = 2 << 20, RefcountBits = 1 };
}

public sealed class Qcow2ExtendedL2Conformance : Qcow2Conformance
{
    protected override Qcow2CreateOptions Options => new() { ClusterBytes = 32768, HasExtendedL2 = true };
}

public sealed class Qcow2LazyRefcountsConformance : Qcow2Conformance
{
    protected override Qcow2CreateOptions Options => new() { ClusterBytes = 1024, HasLazyRefcounts = true, RefcountBits = 4 };
}

public sealed class Qcow2DataFileConformance : Qcow2Conformance
{
    protected override bool HasDataFile => true;

    protected override Qcow2CreateOptions Options => new() { ClusterBytes = 8192 };
}

public sealed class Qcow2RawDataFileConformance : Qcow2Conformance
{
    protected override bool HasDataFile => true;

    protected override Qcow2CreateOptions Options => new() { ClusterBytes = 65536, IsDataFileRaw = true };
}

public sealed class Qcow2PreallocatedConformance : Qcow2Conformance
{
    protected override Qcow2CreateOptions Options =>
        new() { ClusterBytes = 16384, Preallocation = ImagePreallocation.Metadata, HasExtendedL2 = true };
}
