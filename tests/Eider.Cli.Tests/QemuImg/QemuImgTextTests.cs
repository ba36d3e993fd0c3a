using System.Diagnostics;
using Eider.Cli.QemuImg;

namespace Eider.Cli.Tests.QemuImg;

/// <summary>
/// The face of qemu-img beside the stock one: the same command lines, each in its own folder; standard output, standard
/// error and exit code must be the same to the letter.
/// </summary>
public sealed class QemuImgTextTests : IDisposable
{
    private const string Place = "DIR";
    private readonly string _root = Directory.CreateTempSubdirectory("eider-qemu-img-").FullName;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Scripts =>
    [
        "create -f qcow2 DIR/a 10M; info DIR/a; info --output=json DIR/a; map DIR/a; map --output=json DIR/a",
        "create -f raw DIR/a 3M; info DIR/a; info --output json DIR/a; map --output=json DIR/a",
        "create -f qcow2 -o compat=0.10 DIR/a 1M; info DIR/a; create -f qcow2 -o compat=1.1,lazy_refcounts=on,cluster_size=4k DIR/b 1000000; info DIR/b",
        "create -f qcow2 -o refcount_bits=1,extended_l2=on,cluster_size=128k DIR/a 1G; info DIR/a; info --output=json DIR/a",
        "create -f raw DIR/base 2M; create -f qcow2 -b DIR/base -F raw DIR/a; info DIR/a; info --backing-chain DIR/a; map --output=json DIR/a",
        "create -f raw DIR/base 2M; create -f qcow2 -b base -F raw DIR/a 5M; info DIR/a; info --output=json --backing-chain DIR/a",
        "create -f qcow2 -o data_file=DIR/d,data_file_raw=on DIR/a 1M; info DIR/a",
        "create -f qcow2 -o preallocation=full DIR/a 1M; compare DIR/a DIR/a; create -f raw DIR/b 2M; compare DIR/a DIR/b; compare -s DIR/a DIR/b; compare -q DIR/b DIR/a",
        "create -q -f raw DIR/a 2M; convert -O qcow2 DIR/a DIR/b; info DIR/b; convert -f qcow2 -O raw -p DIR/b DIR/c; compare DIR/a DIR/c",
        "create -q -f qcow2 DIR/a 1M; resize DIR/a 2M; resize DIR/a +1M; resize DIR/a 1M; resize --shrink DIR/a -1M; resize -q DIR/a 9M; info DIR/a; resize DIR/a 0",
        "; foo; create; info; map; compare DIR/a; convert DIR/a; create DIR/a 1M DIR/b; info DIR/none; compare DIR/none DIR/none; map --output=xml DIR/a",
        "create -f foo DIR/a 1M; create -f qcow2 DIR/a; create -f qcow2 DIR/a 1Z; create -f qcow2 -o foo=3 DIR/a 1M; create -f qcow2 -z DIR/a; info --colour DIR/a; info -f",
        "create -f qcow2 -b DIR/none -F raw DIR/a; create -f qcow2 -b DIR/a -F raw DIR/a 1M; create -f qcow2 -b DIR/none -F foo DIR/a 1M",
        "create -q -f raw DIR/base 1M; create -f qcow2 -b DIR/base DIR/a; create -f raw -b DIR/base DIR/a; create -u -f qcow2 -b DIR/none -F raw DIR/a 3M; info DIR/a",
        "create -q -f qcow2 -o preallocation=metadata DIR/a 9M; check DIR/a; check --output=json DIR/a; check -r all DIR/a; check -r some DIR/a",
        "create -q -f raw DIR/a 1M; check DIR/a; check -f raw DIR/a; check DIR/none; check -q DIR/a; create -q -f qcow2 DIR/b 1M; check DIR/b",
        "create -q -f raw DIR/a 1M; info -f qcow2 DIR/a; convert -O foo DIR/a DIR/b; convert -m 99 DIR/a DIR/b; convert -f raw -O qcow2 DIR/none DIR/b",
    ];

    [Theory]
    [MemberData(nameof(Scripts))]
    public async Task It_prints_what_stock_prints(string script)
    {
        var (stock, ours) = (Folder("x"), Folder("y"));
        foreach (var line in script.Split(';', StringSplitOptions.TrimEntries))
        {
            var words = line.Length == 0 ? [] : line.Split(' ');
            var expected = await RunStockAsync(words, stock);
            var found = await RunOursAsync(words, ours);
            Assert.Equal($"{line}\n{expected}", $"{line}\n{found}");
        }
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    private string Folder(string name) => Directory.CreateDirectory(Path.Combine(_root, name)).FullName;

    private static async Task<string> RunOursAsync(string[] words, string folder)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var code = await QemuImgCommand.RunAsync(
            [.. words.Select(word => word.Replace(Place, folder, StringComparison.Ordinal))], new QemuOutput(output, error), Token);
        return Told(output.ToString(), error.ToString(), code, folder);
    }

    private static async Task<string> RunStockAsync(string[] words, string folder)
    {
        var start = new ProcessStartInfo("qemu-img") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var word in words)
        {
            start.ArgumentList.Add(word.Replace(Place, folder, StringComparison.Ordinal));
        }

        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync(Token);
        var output = await process.StandardOutput.ReadToEndAsync(Token);
        await process.WaitForExitAsync(Token);
        return Told(output, await error, process.ExitCode, folder);
    }

    // How much space the host gives, and how often a quick copy reports, is no text.
    private static string Told(string output, string error, int code, string folder)
    {
        var lines = output.Split('\n').Select(line =>
            line.Contains("disk size:", StringComparison.Ordinal) || line.Contains("\"actual-size\"", StringComparison.Ordinal) ? "(space)"
            : line.Contains("/100%)\r", StringComparison.Ordinal) ? "(progress)" : line);
        return $"{string.Join('\n', lines)}{error}exit {code}".Replace(folder, Place, StringComparison.Ordinal);
    }
}
