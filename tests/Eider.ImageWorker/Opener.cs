using System.Globalization;
using Eider.Storage;
using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;
using Eider.Storage.Operations;

namespace Eider.ImageWorker;

/// <summary>
/// Opens images that nobody vouches for, looks at all of them, and says of each how long it took, what was allocated and what
/// came of it. Files before <c>--begin</c> only warm the program up.
/// </summary>
internal static class Opener
{
    private const int Pieces = 16;

    public static async Task<int> RunAsync(string[] paths)
    {
        foreach (var path in paths)
        {
            if (path == "--begin")
            {
                // Whoever traces the program sees from here on.
                _ = File.Exists("/eider-begin");
                continue;
            }

            var looks = new[] { await MeasureAsync(path, ImageChainPolicy.Refuse), await MeasureAsync(path, ImageChainPolicy.Ignore) };
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{Path.GetFileName(path)}\t{looks.Max(look => look.Milliseconds):F1}\t{looks.Max(look => look.Bytes)}\t{looks[0].Outcome}, {looks[1].Outcome}"));
        }

        _ = File.Exists("/eider-end");
        return 0;
    }

    private static async Task<(double Milliseconds, long Bytes, string Outcome)> MeasureAsync(string path, ImageChainPolicy chain)
    {
        GC.Collect();
        var allocated = GC.GetTotalAllocatedBytes(precise: true);

        // By the processor's clock: what else runs on the machine is not the image's doing.
        var start = Environment.CpuUsage.TotalTime;
        var outcome = await LookAsync(path, chain);
        return ((Environment.CpuUsage.TotalTime - start).TotalMilliseconds, GC.GetTotalAllocatedBytes(precise: true) - allocated, outcome);
    }

    /// <summary>What 'eider img info', 'check', 'map' and a reader do.</summary>
    private static async Task<string> LookAsync(string path, ImageChainPolicy chain)
    {
        var file = FileStorage.Open(path, new FileStorageOptions { IsReadOnly = true });
        try
        {
            await using var image = (Qcow2Image)await ImageFormats.Qcow2.OpenAsync(
                file, new ImageOpenOptions { IsReadOnly = true, IsForRepair = true, Chain = chain });
            await LookAsync(image);
            return "looked at";
        }
        catch (BlockStorageException exception)
        {
            return $"refused ({exception.Kind})";
        }
        finally
        {
            await file.DisposeAsync();
        }
    }

    private static async Task LookAsync(Qcow2Image image)
    {
        var buffer = new byte[65536];
        await TryAsync(async () => await image.GetSnapshotsAsync());
        await TryAsync(async () => await image.CheckAsync());
        for (var piece = 0L; piece < Pieces && !image.NeedsKey; piece++)
        {
            var offset = Math.Min(image.SizeBytes / Pieces * piece, image.SizeBytes - buffer.Length) & ~511L;
            if (offset >= 0)
            {
                await TryAsync(async () => await image.ReadAsync(offset, buffer));
                await TryAsync(async () => await image.GetImageExtentAsync(offset, image.SizeBytes - offset));
            }
        }

        await TryAsync(async () =>
        {
            var entries = 0;
            await foreach (var entry in ImageMap.EnumerateAsync(image, 0, Math.Min(image.SizeBytes, 1 << 20)))
            {
                if (++entries == 1000)
                {
                    return;
                }
            }
        });
    }

    private static async Task TryAsync(Func<Task> action)
    {
        try
        {
            await action();
        }
        catch (BlockStorageException)
        {
            // What is wrong with the image is told; the next look may find more.
        }
    }
}
