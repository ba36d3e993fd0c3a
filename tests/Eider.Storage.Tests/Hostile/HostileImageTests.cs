using System.Globalization;
using System.Security.Cryptography;

namespace Eider.Storage.Tests.Hostile;

/// <summary>
/// Hostile images, looked at by a process of its own as by the commands that only look: refused or handled within bounds,
/// no other file opened, nothing changed.
/// </summary>
public sealed class HostileImageTests : IDisposable
{
    private const int LeastImages = 200;
    private const double MostMilliseconds = 200;
    private const long MostBytes = 64L << 20;

    private readonly TemporaryFolder _folder = new();

    [Fact]
    [Trait("Category", "Slow")]
    public async Task Hostile_images_are_handled_within_64_MiB_and_200_ms_open_no_other_file_and_stay_as_they_are()
    {
        var images = await WriteAsync();
        Assert.True(images.Count >= LeastImages, $"only {images.Count} images");
        var before = images.Select(Fingerprint).ToArray();
        AssertBounds(images);
        AssertNothingElseOpened(images);
        Assert.Equal(before, images.Select(Fingerprint));
    }

    public void Dispose() => _folder.Dispose();

    private async Task<List<string>> WriteAsync()
    {
        await File.WriteAllBytesAsync(_folder["secret"], new byte[4096], TestContext.Current.CancellationToken);
        File.CreateSymbolicLink(_folder["link"], "/etc/passwd");
        HostTool.Run("mkfifo", _folder["pipe"]);
        await File.WriteAllBytesAsync(_folder["good"], await HostileImages.GoodAsync(null), TestContext.Current.CancellationToken);
        var paths = new List<string>();
        foreach (var (name, head, length) in await HostileImages.MakeAsync(Path.GetDirectoryName(_folder["x"])!))
        {
            var path = _folder[name];
            Assert.False(File.Exists(path), $"there are two images with the name '{name}'");
            await File.WriteAllBytesAsync(path, head, TestContext.Current.CancellationToken);
            using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write))
            {
                RandomAccess.SetLength(file, length);
            }

            paths.Add(path);
        }

        return paths;
    }

    /// <summary>The worst of each image; what a busy machine made slow is measured again.</summary>
    private void AssertBounds(List<string> images)
    {
        var wrong = images;
        for (var round = 0; round < 3 && wrong.Count > 0; round++)
        {
            var lines = HostTool.Run(Worker, ["open", _folder["good"], _folder["good"], "--begin", .. wrong])
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)[2..].Select(line => line.Split('\t')).ToArray();
            Assert.Equal(wrong.Count, lines.Length);
            var outcomes = lines.GroupBy(line => line[3]).Select(group => $"{group.Count()} {group.Key}");
            TestContext.Current.TestOutputHelper?.WriteLine($"{lines.Length} images: {string.Join(", ", outcomes)}");
            wrong = [.. wrong.Zip(lines).Where(pair => !IsWithin(pair.Second)).Select(pair => pair.First)];
            if (round == 2 && wrong.Count > 0)
            {
                Assert.Fail(string.Join('\n', lines.Where(line => !IsWithin(line)).Select(line => string.Join(' ', line))));
            }
        }
    }

    private static bool IsWithin(string[] line) =>
        double.Parse(line[1], CultureInfo.InvariantCulture) <= MostMilliseconds && long.Parse(line[2], CultureInfo.InvariantCulture) <= MostBytes;

    /// <summary>What the process opened between its two marks is the images, each by its own name, and no socket.</summary>
    private void AssertNothingElseOpened(List<string> images)
    {
        var trace = _folder["trace"];
        HostTool.Run(
            "strace",
            ["-f", "-qq", "-s", "2000", "-e", "trace=%file,%network,execve", "-o", trace,
            Worker, "open", .. images.Take(20), _folder["good"], "--begin", .. images]);
        var seen = File.ReadAllLines(trace).SkipWhile(line => !line.Contains("/eider-begin", StringComparison.Ordinal))
            .TakeWhile(line => !line.Contains("/eider-end", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(seen);
        var opened = seen.Where(line => line.Contains("open", StringComparison.Ordinal) && line.Contains("(AT_FDCWD", StringComparison.Ordinal))
            .Select(line => line.Split('"')[1]).ToHashSet();
        var known = images.ToHashSet();
        var strange = opened.Where(path => !known.Contains(path) && !IsOfTheRuntime(path)).ToList();
        Assert.True(strange.Count == 0, $"opened besides the images: {string.Join(", ", strange)}");
        Assert.True(opened.Count >= images.Count, "the trace does not show the images being opened");
        foreach (var line in seen.Where(line => line.Contains("socket(", StringComparison.Ordinal) || line.Contains("execve(", StringComparison.Ordinal)))
        {
            Assert.Fail($"a socket or a program: {line}");
        }

        string[] named = ["/secret\"", "/link\"", "/pipe\"", "/etc/passwd", "/etc/shadow"];
        Assert.DoesNotContain(seen, line => Array.Exists(named, name => line.Contains(name, StringComparison.Ordinal)));
    }

    /// <summary>Parts of the runtime that are loaded at their first use, and what it asks about its memory.</summary>
    private static bool IsOfTheRuntime(string path) =>
        path is "/proc/meminfo" || path.EndsWith(".dll", StringComparison.Ordinal) || path.Contains(".so", StringComparison.Ordinal)
        || path.StartsWith("/proc/self/", StringComparison.Ordinal) && !path.Contains("/fd/", StringComparison.Ordinal) && !path.EndsWith("/mem", StringComparison.Ordinal)
        || path.StartsWith("/sys/", StringComparison.Ordinal);

    private static string Worker => Path.Combine(AppContext.BaseDirectory, "Eider.ImageWorker");

    private static string Fingerprint(string path)
    {
        const int Head = 1 << 20;
        using var file = File.OpenRead(path);
        var head = new byte[Math.Min(file.Length, Head)];
        file.ReadExactly(head);
        return $"{Convert.ToHexString(SHA256.HashData(head))} {file.Length} {File.GetLastWriteTimeUtc(path):O}";
    }
}
