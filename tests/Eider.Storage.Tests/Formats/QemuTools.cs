using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Eider.Storage.Tests.Formats;

/// <summary>The independent judge: qemu-img and qemu-io of the host.</summary>
internal static class QemuTools
{
    /// <summary>Runs qemu-img; fails the test unless it succeeds.</summary>
    public static string Img(params string[] arguments) => Run("qemu-img", arguments, null, expectedCode: 0);

    /// <summary>Runs qemu-img and returns its exit code and output.</summary>
    public static (int Code, string Output) TryImg(params string[] arguments) => Start("qemu-img", arguments, null);

    /// <summary>Checks an image; fails the test if anything is wrong with it, leaks too.</summary>
    public static void Check(string path)
    {
        var (code, output) = Start("qemu-img", ["check", "-f", "qcow2", path], null);
        Assert.True(code == 0, $"qemu-img check: exit code {code}\n{output}");
    }

    /// <summary>Checks an image; leaks are allowed.</summary>
    public static void CheckButLeaks(string path)
    {
        var (code, output) = Start("qemu-img", ["check", "-f", "qcow2", path], null);
        Assert.True(code is 0 or 3, $"qemu-img check: exit code {code}\n{output}");
    }

    /// <summary>Runs one qemu-io over many commands; fails the test unless all of them succeed.</summary>
    public static string Io(string path, IEnumerable<string> commands, params string[] options)
    {
        var output = Run("qemu-io", [.. options, path], string.Join('\n', commands) + "\nquit\n", expectedCode: 0);
        foreach (var trouble in new[] { "Pattern verification failed", "read failed", "write failed", "error", "cannot" })
        {
            Assert.False(output.Contains(trouble, StringComparison.OrdinalIgnoreCase), $"qemu-io {path}: {output}");
        }

        return output;
    }

    private static string Run(string program, string[] arguments, string? input, int expectedCode)
    {
        var (code, output) = Start(program, arguments, input);
        Assert.True(code == expectedCode, $"{program} {string.Join(' ', arguments)}: exit code {code}\n{output}");
        return output;
    }

    private static (int Code, string Output) Start(string program, string[] arguments, string? input)
    {
        var start = new ProcessStartInfo(program)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using var process = Process.Start(start)!;
        var output = new StringBuilder();
        process.OutputDataReceived += (_, line) => Append(output, line.Data);
        process.ErrorDataReceived += (_, line) => Append(output, line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        if (input != null)
        {
            process.StandardInput.Write(input);
        }

        process.StandardInput.Close();
        process.WaitForExit();
        lock (output)
        {
            return (process.ExitCode, output.ToString());
        }
    }

    private static void Append(StringBuilder output, string? line)
    {
        if (line != null)
        {
            lock (output)
            {
                output.AppendLine(CultureInfo.InvariantCulture, $"{line}");
            }
        }
    }
}
