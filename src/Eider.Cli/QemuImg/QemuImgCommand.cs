using Eider.Cli.Errors;
using Eider.Storage;

namespace Eider.Cli.QemuImg;

/// <summary>
/// The face of qemu-img: takes its command line, prints its texts and ends with its exit codes. What is done is done by the
/// same operations as under <c>eider img</c>.
/// </summary>
internal static class QemuImgCommand
{
    private const int Failed = 1;
    private const int BufferBytes = 4096;

    private static readonly Dictionary<string, Func<IReadOnlyList<string>, QemuOutput, CancellationToken, Task<int>>> Commands = new()
    {
        ["create"] = QemuCreate.RunAsync,
        ["info"] = QemuInfo.RunAsync,
        ["check"] = QemuCheck.RunAsync,
        ["map"] = QemuMap.RunAsync,
        ["compare"] = QemuCompare.RunAsync,
        ["convert"] = QemuConvert.RunAsync,
        ["resize"] = QemuResize.RunAsync,
        ["commit"] = QemuCommit.RunAsync,
        ["rebase"] = QemuRebase.RunAsync,
        ["snapshot"] = QemuSnapshot.RunAsync,
        ["amend"] = QemuAmend.RunAsync,
        ["measure"] = QemuMeasure.RunAsync,
        ["dd"] = QemuDd.RunAsync,
        ["bench"] = QemuBench.RunAsync,
        ["bitmap"] = QemuBitmap.RunAsync,
    };

    /// <summary>Runs a command line on the standard streams; no exception comes out.</summary>
    public static async Task<int> RunToEndAsync(IReadOnlyList<string> words)
    {
        try
        {
            // Not Console.Out: making it would write to a terminal what belongs to nobody.
            // Into a pipe or a file, text goes out when there is much of it or at the end, behind what standard error told: as qemu-img does.
            await using var text = new StreamWriter(Console.OpenStandardOutput(), bufferSize: BufferBytes) { AutoFlush = !Console.IsOutputRedirected };
            return await RunAsync(words, new QemuOutput(text, StandardError.Writer), CancellationToken.None);
        }
        catch (Exception failure)
        {
            ErrorReport.Print(failure);
            return Failed;
        }
    }

    /// <summary>Runs a command line.</summary>
    /// <param name="words">What follows <c>qemu-img</c>.</param>
    /// <param name="output">Where to print.</param>
    /// <param name="cancellationToken">Ends the command.</param>
    /// <returns>The exit code.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> words, QemuOutput output, CancellationToken cancellationToken)
    {
        try
        {
            return await DispatchAsync(words, output, cancellationToken);
        }
        catch (QemuHelpException)
        {
            output.Out.Write(QemuHelp.Text(Commands.Keys));
            return 0;
        }
        catch (QemuImgException failure)
        {
            output.Complain(failure.Message, failure.IsUnended);
            if (failure.IsUsage)
            {
                output.Error.Write("Try 'qemu-img --help' for more information\n");
            }

            return failure.ExitCode;
        }
        catch (BlockStorageException failure)
        {
            output.Complain(failure.Message);
            return Failed;
        }
    }

    private static async Task<int> DispatchAsync(IReadOnlyList<string> words, QemuOutput output, CancellationToken cancellationToken)
    {
        var at = 0;
        for (; at < words.Count && words[at].StartsWith('-'); at++)
        {
            switch (words[at])
            {
                case "-h" or "--help":
                    throw new QemuHelpException();
                case "-V" or "--version":
                    output.Out.Write(QemuHelp.Version);
                    return 0;
                case "-T" or "--trace":
                    at++;
                    break;
                default:
                    throw QemuImgException.Usage($"unrecognized option '{words[at]}'");
            }
        }

        if (at >= words.Count)
        {
            throw QemuImgException.Usage("Not enough arguments");
        }

        if (!Commands.TryGetValue(words[at], out var command))
        {
            throw QemuImgException.Usage($"Command not found: {words[at]}");
        }

        return await command([.. words.Skip(at + 1)], output, cancellationToken);
    }
}
