using System.Diagnostics;
using Eider.Storage.Backends;

namespace Eider.Storage.Tests.Backends;

public sealed class FileLockingTests : IDisposable
{
    private static readonly FileStorageOptions ReadOnly = new() { IsReadOnly = true };
    private static readonly FileStorageOptions Sharing = ReadOnly with { Locking = FileLocking.ShareWithWriter };

    private readonly TemporaryFolder _folder = new();
    private readonly string _path;

    public FileLockingTests()
    {
        _path = _folder["disk.img"];
        File.WriteAllBytes(_path, new byte[1 << 20]);
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Two_writers_are_refused_also_through_another_name_of_the_file()
    {
        File.CreateSymbolicLink(_folder["link.img"], _path);
        var first = FileStorage.Open(_path);
        AssertLocked(_path, FileStorageOptions.Default);
        AssertLocked(_folder["link.img"], FileStorageOptions.Default);
        await first.DisposeAsync();
        await FileStorage.Open(_path).DisposeAsync();
    }

    [Fact]
    public async Task Readers_share_a_file_but_not_with_a_writer()
    {
        var reader = FileStorage.Open(_path, ReadOnly);
        var second = FileStorage.Open(_path, ReadOnly);
        AssertLocked(_path, FileStorageOptions.Default);
        await reader.DisposeAsync();
        AssertLocked(_path, FileStorageOptions.Default);
        await second.DisposeAsync();

        await using var writer = FileStorage.Open(_path);
        AssertLocked(_path, ReadOnly);
        await FileStorage.Open(_path, Sharing).DisposeAsync();
    }

    [Fact]
    public async Task A_reader_that_shares_with_a_writer_is_in_nobodys_way()
    {
        await using var reader = FileStorage.Open(_path, Sharing);
        await FileStorage.Open(_path).DisposeAsync();
        Assert.Throws<ArgumentException>(
            () => FileStorage.Open(_path, new FileStorageOptions { Locking = FileLocking.ShareWithWriter }));
    }

    [Fact]
    public async Task One_handle_cannot_be_two_writable_disks()
    {
        using var handle = File.OpenHandle(_path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        var options = new FileStorageOptions { LeaveOpen = true };
        var first = new FileStorage(handle, options);
        Assert.Equal(
            BlockErrorKind.Locked, Assert.Throws<BlockStorageException>(() => new FileStorage(handle, options)).Kind);
        await first.DisposeAsync();
        await new FileStorage(handle, options).DisposeAsync();

        // The handle stays open, but not locked.
        await FileStorage.Open(_path).DisposeAsync();
    }

    [Fact]
    public async Task Without_locking_nothing_is_looked_at()
    {
        await using var first = FileStorage.Open(_path);
        await FileStorage.Open(_path, new FileStorageOptions { Locking = FileLocking.None }).DisposeAsync();
    }

    // The bytes that are locked are QEMU's, so both programs refuse each other.
    [Fact]
    public async Task Qemu_refuses_an_image_that_we_write_and_reads_one_that_we_read()
    {
        await using (FileStorage.Open(_path))
        {
            Assert.NotEqual(0, Run("qemu-io", "-f", "raw", "-c", "write 0 512", _path));
        }

        await using (FileStorage.Open(_path, ReadOnly))
        {
            Assert.Equal(0, Run("qemu-io", "-r", "-f", "raw", "-c", "read 0 512", _path));
            Assert.NotEqual(0, Run("qemu-io", "-f", "raw", "-c", "write 0 512", _path));
        }

        Assert.Equal(0, Run("qemu-io", "-f", "raw", "-c", "write 0 512", _path));
    }

    [Fact]
    public async Task We_refuse_an_image_that_qemu_writes_and_read_one_that_it_reads()
    {
        using (var writer = Start("qemu-io", "-f", "raw", _path))
        {
            await WaitForAsync(writer, "qemu-io> ");
            AssertLocked(_path, FileStorageOptions.Default);
            AssertLocked(_path, ReadOnly);
            await FileStorage.Open(_path, Sharing).DisposeAsync();
            await QuitAsync(writer);
        }

        // A virtual machine holds its read-only disk against writers; qemu-io would not.
        using var reader = Start(
            "qemu-system-riscv64", "-machine", "virt", "-S", "-display", "none", "-monitor", "stdio",
            "-drive", $"if=none,id=disk,format=raw,readonly=on,file={_path}", "-device", "virtio-blk-device,drive=disk");
        await reader.StandardInput.WriteLineAsync("info status");

        // The first prompt comes before the devices; an answer only after them.
        await WaitForAsync(reader, "VM status");
        await FileStorage.Open(_path, ReadOnly).DisposeAsync();
        AssertLocked(_path, FileStorageOptions.Default);
        await QuitAsync(reader);
        await FileStorage.Open(_path).DisposeAsync();
    }

    private static void AssertLocked(string path, FileStorageOptions options)
    {
        var failure = Assert.Throws<BlockStorageException>(() => FileStorage.Open(path, options));
        Assert.Equal(BlockErrorKind.Locked, failure.Kind);
        Assert.Contains(path, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failure.Message);
    }

    private static Process Start(string program, params string[] arguments) => Process.Start(
        new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;

    private static int Run(string program, params string[] arguments)
    {
        using var process = Start(program, arguments);
        process.StandardInput.Close();
        process.StandardOutput.ReadToEnd();
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(30)), $"{program} does not end");
        return process.ExitCode;
    }

    private static async Task WaitForAsync(Process process, string text)
    {
        var read = new char[1];
        var seen = "";
        while (!seen.EndsWith(text, StringComparison.Ordinal))
        {
            Assert.Equal(1, await process.StandardOutput.ReadAsync(read).AsTask().WaitAsync(TimeSpan.FromSeconds(30)));
            seen += read[0];
        }
    }

    private static async Task QuitAsync(Process process)
    {
        await process.StandardInput.WriteLineAsync("quit");
        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(30));
    }
}
