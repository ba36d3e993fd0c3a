using System.Diagnostics;
using System.Net.Sockets;

namespace Eider.Storage.Tests.Backends.Nbd;

/// <summary>A stock qemu-nbd with a raw image in a folder of its own.</summary>
internal sealed class QemuNbd : IAsyncDisposable
{
    private readonly TemporaryFolder _folder;
    private readonly Process _process;

    private QemuNbd(TemporaryFolder folder, Process process)
    {
        _folder = folder;
        _process = process;
    }

    public string Socket => _folder["s"];

    public string Image => _folder["raw"];

    public static async Task<QemuNbd> StartAsync(byte[] content, params string[] options)
    {
        var folder = new TemporaryFolder();
        await File.WriteAllBytesAsync(folder["raw"], content);
        string[] arguments = ["-f", "raw", "-t", "-e", "4", "-k", folder["s"], "--discard=unmap", .. options, folder["raw"]];
        var nbd = new QemuNbd(folder, Process.Start(new ProcessStartInfo("qemu-nbd", arguments))!);
        for (var wait = 0; !await ListensAsync(nbd.Socket) && !nbd._process.HasExited && wait < 1000; wait++)
        {
            await Task.Delay(10);
        }

        return nbd;
    }

    /// <summary>True if somebody listens at a socket, which is there a moment before that.</summary>
    public static async Task<bool> ListensAsync(string path)
    {
        using var socket = new System.Net.Sockets.Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _folder.Dispose();
    }
}
