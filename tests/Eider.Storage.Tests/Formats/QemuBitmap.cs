using System.Diagnostics;
using System.Text.Json;
using Eider.Storage.Tests.Backends.Nbd;

namespace Eider.Storage.Tests.Formats;

/// <summary>What QEMU reads from a bitmap: over NBD, by the meta context qemu:dirty-bitmap.</summary>
internal static class QemuBitmap
{
    /// <summary>The marked bytes of a disabled bitmap, one flag for each unit of the disk.</summary>
    public static bool[] Read(string path, string name, long diskBytes, int unitBytes)
    {
        var socket = path + ".sock";
        var start = new ProcessStartInfo("qemu-nbd") { RedirectStandardError = true };
        foreach (var word in new[] { "-t", "-e", "4", "-r", "-f", "qcow2", "-B", name, "-k", socket, "-x", "disk", path })
        {
            start.ArgumentList.Add(word);
        }

        using var server = Process.Start(start)!;
        try
        {
            for (var tries = 0; !QemuNbd.ListensAsync(socket).GetAwaiter().GetResult() && !server.HasExited && tries < 500; tries++)
            {
                Thread.Sleep(10);
            }

            Assert.True(File.Exists(socket), server.HasExited ? server.StandardError.ReadToEnd() : "qemu-nbd does not listen");
            var json = QemuTools.Img(
                "map", "--output=json", "--image-opts",
                $"driver=nbd,server.type=unix,server.path={socket},export=disk,x-dirty-bitmap=qemu:dirty-bitmap:{name}");
            return Marks(json, diskBytes, unitBytes);
        }
        finally
        {
            server.Kill();
            server.WaitForExit();
            File.Delete(socket);
        }
    }

    /// <summary>QEMU shows marked ranges as no data, as that context has it.</summary>
    private static bool[] Marks(string json, long diskBytes, int unitBytes)
    {
        var marks = new bool[diskBytes / unitBytes];
        foreach (var run in JsonDocument.Parse(json).RootElement.EnumerateArray())
        {
            if (!run.GetProperty("data").GetBoolean())
            {
                var (offset, length) = (run.GetProperty("start").GetInt64(), run.GetProperty("length").GetInt64());
                marks.AsSpan((int)(offset / unitBytes), (int)(length / unitBytes)).Fill(true);
            }
        }

        return marks;
    }
}
