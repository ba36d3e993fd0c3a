using Eider.Storage.Backends;
using Eider.Testing.Storage;

namespace Eider.Storage.Tests.Backends;

public abstract class FileConformance : BlockStorageConformance, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private int _files;

    protected string NewFile(byte[] content)
    {
        var path = _folder[$"disk{_files++}"];
        File.WriteAllBytes(path, content);
        return path;
    }

    public void Dispose()
    {
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }
}

public sealed class FileStorageConformance : FileConformance
{
    protected override bool IsAllocationFree => true;

    protected override ValueTask<BlockStorage> CreateAsync(byte[] content) => new(FileStorage.Open(NewFile(content)));
}

public sealed class ReadOnlyFileConformance : FileConformance
{
    protected override bool IsReadOnly => true;

    protected override bool IsAllocationFree => true;

    protected override ValueTask<BlockStorage> CreateAsync(byte[] content) =>
        new(FileStorage.Open(NewFile(content), new FileStorageOptions { IsReadOnly = true }));
}

public sealed class FileHandleConformance : FileConformance
{
    protected override bool IsAllocationFree => true;

    protected override ValueTask<BlockStorage> CreateAsync(byte[] content) =>
        new(new FileStorage(File.OpenHandle(NewFile(content), FileMode.Open, FileAccess.ReadWrite)));
}

public sealed class DirectFileConformance : FileConformance
{
    protected override int SizeMultiple => 4096;

    protected override ValueTask<BlockStorage> CreateAsync(byte[] content) =>
        new(FileStorage.Open(NewFile(content), new FileStorageOptions { IsDirect = true }));
}

/// <summary>What hosts other than Linux use, tried here too.</summary>
public sealed class PortableFileConformance : FileConformance
{
    protected override bool IsAllocationFree => true;

    protected override ValueTask<BlockStorage> CreateAsync(byte[] content) =>
        new(FileStorage.OpenPortably(NewFile(content), FileStorageOptions.Default));
}
