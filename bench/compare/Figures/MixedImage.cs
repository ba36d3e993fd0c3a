namespace Eider.Compare.Figures;

/// <summary>A raw image of mixed content: half random bytes, a quarter text of this machine's own files, a quarter holes, in runs of 4 KiB to 4 MiB.</summary>
public static class MixedImage
{
    private static readonly int[] RunSizes = [4096, 16384, 65536, 262144, 1 << 20, 4 << 20];
    private static readonly string[] TextFolders = ["/usr/share/doc", "/usr/share/perl", "/usr/include", "/usr/share"];

    /// <summary>Writes it.</summary>
    /// <param name="path">The new file.</param>
    /// <param name="lengthBytes">Its size.</param>
    public static void Create(string path, long lengthBytes)
    {
        var random = new Random(1);
        var text = ReadText((int)(lengthBytes / 4));
        var left = new long[] { lengthBytes / 2, lengthBytes / 4, lengthBytes / 4 }; // random, text, holes
        var bytes = new byte[RunSizes[^1]];
        using var file = new FileStream(path, FileMode.CreateNew);
        file.SetLength(lengthBytes);
        var textAt = 0;
        while (left.Sum() is var rest and > 0)
        {
            var kind = Pick(left, random.NextInt64(rest));
            var run = (int)Math.Min(left[kind], RunSizes[random.Next(RunSizes.Length)]);
            left[kind] -= run;
            if (kind == 2)
            {
                file.Seek(run, SeekOrigin.Current);
                continue;
            }

            Fill(kind, bytes.AsSpan(0, run));
            file.Write(bytes.AsSpan(0, run));
        }

        void Fill(int kind, Span<byte> span)
        {
            if (kind == 0)
            {
                random.NextBytes(span);
                return;
            }

            textAt = textAt + span.Length > text.Length ? 0 : textAt;
            text.AsSpan(textAt, span.Length).CopyTo(span);
            textAt += span.Length;
        }
    }

    private static int Pick(long[] left, long at) => at < left[0] ? 0 : at < left[0] + left[1] ? 1 : 2;

    // Files without a zero byte at their start, in the order of their names.
    private static byte[] ReadText(int lengthBytes)
    {
        var text = new byte[lengthBytes];
        var have = 0;
        var options = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint, IgnoreInaccessible = true };
        foreach (var path in TextFolders.Where(Directory.Exists).SelectMany(
            folder => Directory.EnumerateFiles(folder, "*", options).Where(path => !path.EndsWith(".gz", StringComparison.Ordinal)).Order(StringComparer.Ordinal)))
        {
            using var file = File.OpenRead(path);
            var length = file.ReadAtLeast(text.AsSpan(have), lengthBytes - have, throwOnEndOfStream: false);
            have += text.AsSpan(have, Math.Min(length, 4096)).Contains((byte)0) ? 0 : length;
            if (have == lengthBytes)
            {
                return text;
            }
        }

        return have > RunSizes[^1] ? text[..have] : throw new InvalidOperationException("this machine has too little text under /usr/share");
    }
}
