using System.Globalization;
using System.Text;
using Eider.Storage;
using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;

namespace Eider.ImageWorker;

/// <summary>Writes to an image until it is killed, and says after each flush how many steps are durable.</summary>
internal static class Writer
{
    public static async Task<int> RunAsync(string path, int seed)
    {
        await using var image = (Qcow2Image)await ImageFormats.Qcow2.OpenAsync(FileStorage.Open(path), ImageOpenOptions.Default);
        await using var output = Console.OpenStandardOutput();
        var done = 0;
        foreach (var step in WriterStep.Plan(seed, image.Header.ClusterBytes / TaggedSectors.Bytes))
        {
            var result = await StepAsync(image, step);
            done++;
            if (result != BlockResult.Ok)
            {
                return 1;
            }

            if (step.IsFlush)
            {
                output.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{done}\n")));
            }
        }

        return 0;
    }

    private static ValueTask<BlockResult> StepAsync(Qcow2Image image, WriterStep step)
    {
        var offset = (long)step.First * TaggedSectors.Bytes;
        return step switch
        {
            { IsFlush: true } => image.FlushAsync(),
            { IsCompressed: true } => image.WriteCompressedAsync(offset, TaggedSectors.Content(step.First, step.Count, step.Tag)),
            { Tag: 0 } => image.WriteZeroesAsync(offset, (long)step.Count * TaggedSectors.Bytes, mayUnmap: true),
            _ => image.WriteAsync(offset, TaggedSectors.Content(step.First, step.Count, step.Tag)),
        };
    }
}
