using System.Runtime.CompilerServices;
using System.Text.Json;
using Eider.Cli.Errors;
using Eider.Cli.Terminal;
using Eider.Storage.Operations;

namespace Eider.Cli.Images;

/// <summary>Shows how far an operation is: a bar with rate and time left, JSON lines, or nothing. All on standard error.</summary>
internal sealed class ImageProgress
{
    /// <summary>The bar, on a terminal; lines elsewhere.</summary>
    public const string Bar = "bar";

    /// <summary>JSON lines.</summary>
    public const string Json = "json";

    private const int ErrorDescriptor = 2;
    private static readonly TimeSpan Step = TimeSpan.FromSeconds(0.2);

    private readonly string? _kind;
    private readonly TimeProvider _clock;
    private readonly TextWriter _output;

    /// <summary>Progress of a kind, or none.</summary>
    /// <param name="kind">What the user asked for; null for none.</param>
    /// <param name="clock">For rate and time left.</param>
    /// <param name="output">Where JSON lines go.</param>
    public ImageProgress(string? kind, TimeProvider clock, TextWriter output)
    {
        _kind = kind;
        _clock = clock;
        _output = output;
    }

    /// <summary>Progress on standard error.</summary>
    public static ImageProgress Of(string? kind) => new(kind, TimeProvider.System, StandardError.Writer);

    /// <summary>Runs an operation and shows how far it is.</summary>
    public async Task RunAsync(string title, Func<OperationProgress?, Task> operation)
    {
        if (_kind == null)
        {
            await operation(null);
        }
        else if (_kind == Bar && !OperatingSystem.IsWindows() && TerminalCalls.IsTerminal(ErrorDescriptor) == 1)
        {
            await ShowBarAsync(title, operation);
        }
        else
        {
            await WriteLinesAsync(title, operation);
        }
    }

    // Apart, so that the library for it is loaded only here.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Task ShowBarAsync(string title, Func<OperationProgress?, Task> operation) => ImageProgressBar.RunAsync(title, operation);

    private async Task WriteLinesAsync(string title, Func<OperationProgress?, Task> operation)
    {
        var start = _clock.GetTimestamp();
        var last = start;
        var (seen, all) = (0L, 0L);
        await operation((done, total) =>
        {
            (seen, all) = (done, total);
            var now = _clock.GetTimestamp();
            if (_clock.GetElapsedTime(last, now) >= Step)
            {
                last = now;
                Write(title, "progress", done, total, _clock.GetElapsedTime(start, now));
            }
        });
        Write(title, "done", all, all, _clock.GetElapsedTime(start));
    }

    private void Write(string title, string what, long done, long total, TimeSpan elapsed)
    {
        var rate = elapsed > TimeSpan.Zero ? done / elapsed.TotalSeconds : 0;
        if (_kind == Bar)
        {
            var share = total > 0 ? (double)done / total : 1;
            _output.WriteLine(FormattableString.Invariant($"eider: {title}: {share:P0}, {ImageSizes.Text((long)rate)}/s"));
            return;
        }

        using var line = new MemoryStream();
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            json.WriteString("event", what);
            json.WriteString("operation", title);
            json.WriteNumber("done-bytes", done);
            json.WriteNumber("total-bytes", total);
            json.WriteNumber("seconds", Math.Round(elapsed.TotalSeconds, 3));
            json.WriteNumber("bytes-per-second", Math.Round(rate));
            if (rate > 0)
            {
                json.WriteNumber("seconds-left", Math.Round((total - done) / rate, 1));
            }

            json.WriteEndObject();
        }

        _output.WriteLine(System.Text.Encoding.UTF8.GetString(line.GetBuffer(), 0, (int)line.Length));
    }
}
