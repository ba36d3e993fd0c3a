using System.Globalization;
using Eider.Cli.Errors;
using Eider.Storage;

namespace Eider.Cli.Images;

/// <summary>Measures requests on an image.</summary>
/// <param name="image">The image.</param>
/// <param name="settings">Which requests.</param>
/// <param name="clock">The clock.</param>
internal sealed class BenchSession(BlockStorage image, BenchSettings settings, TimeProvider clock)
{
    private int _next = -1;

    /// <summary>Runs all requests.</summary>
    /// <returns>How long they took.</returns>
    /// <exception cref="CliException">The disk is too small.</exception>
    public async Task<TimeSpan> RunAsync(CancellationToken cancellationToken)
    {
        if (image.SizeBytes < settings.RequestBytes || settings.OffsetBytes > image.SizeBytes - settings.RequestBytes)
        {
            throw new CliException(
                ExitCode.Usage,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{image.Name}: the disk has {image.SizeBytes} bytes, expected {settings.RequestBytes} at {settings.OffsetBytes} at least"));
        }

        var start = clock.GetTimestamp();
        var lanes = Math.Min(settings.Depth, settings.Count);
        await Task.WhenAll(Enumerable.Range(0, lanes).Select(_ => Task.Run(() => RunLaneAsync(cancellationToken), cancellationToken)));
        if (settings.IsWrite)
        {
            await image.FlushAsync(cancellationToken);
        }

        return clock.GetElapsedTime(start);
    }

    private async Task RunLaneAsync(CancellationToken cancellationToken)
    {
        var buffer = GC.AllocateUninitializedArray<byte>(settings.RequestBytes, pinned: true);
        buffer.AsSpan().Fill(settings.Pattern);
        for (var number = Interlocked.Increment(ref _next); number < settings.Count; number = Interlocked.Increment(ref _next))
        {
            var result = settings.IsWrite
                ? await image.WriteAsync(PlaceOf(number), buffer, cancellationToken)
                : await image.ReadAsync(PlaceOf(number), buffer, cancellationToken);
            if (result != BlockResult.Ok)
            {
                throw new CliException(ExitCode.BadInput, $"{image.Name}: a request was refused: {result}");
            }

            if (settings.IsWrite && settings.FlushInterval > 0 && (number + 1) % settings.FlushInterval == 0)
            {
                await image.FlushAsync(cancellationToken);
            }
        }
    }

    /// <summary>Where a request lies: steps from the first one on, around at the end of the disk.</summary>
    private long PlaceOf(int number)
    {
        var places = image.SizeBytes - settings.RequestBytes + 1;
        return (long)((settings.OffsetBytes + ((Int128)number * settings.StepBytes)) % places);
    }
}
