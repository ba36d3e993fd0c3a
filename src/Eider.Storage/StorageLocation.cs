namespace Eider.Storage;

/// <summary>Where a disk is, as users write it: <c>disk.img</c>, <c>file:disk.img</c>, <c>http://host/disk.img</c>, <c>mem:64M</c>.</summary>
public sealed record StorageLocation
{
    private const string FilePrefix = "file:";
    private const string MemoryPrefix = "mem:";
    private const string ReadOnlySuffix = ":ro";

    private StorageLocation(StorageKind kind, string text)
    {
        Kind = kind;
        Text = text;
    }

    /// <summary>What it leads to.</summary>
    public StorageKind Kind { get; }

    /// <summary>As the user wrote it.</summary>
    public string Text { get; }

    /// <summary>The path of a file; empty for other kinds.</summary>
    public string Path { get; private init; } = "";

    /// <summary>The address of a page; null for other kinds.</summary>
    public Uri? Url { get; private init; }

    /// <summary>The size of a disk in memory, in bytes; 0 for other kinds.</summary>
    public long SizeBytes { get; private init; }

    /// <summary>True if it says that it is read-only: by <c>:ro</c>, or because a page always is.</summary>
    public bool IsReadOnly { get; private init; }

    /// <summary>
    /// Reads a location. The suffix <c>:ro</c> means read-only, unless a file has exactly this name. A size may have a
    /// suffix K, M, G or T (powers of 1024). A file need not exist.
    /// </summary>
    /// <param name="text">As the user wrote it; a doubled comma is the command line's affair and already single here.</param>
    /// <exception cref="BlockStorageException">It is none; the message says what was found and expected.</exception>
    public static StorageLocation Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var (body, isReadOnly) = WithoutSuffix(text);
        if (body.StartsWith(MemoryPrefix, StringComparison.Ordinal))
        {
            return new StorageLocation(StorageKind.Memory, text)
            {
                SizeBytes = SizeOf(body[MemoryPrefix.Length..], text),
                IsReadOnly = isReadOnly,
            };
        }

        if (IsHttp(body))
        {
            return new StorageLocation(StorageKind.Http, text) { Url = UrlOf(body, text), IsReadOnly = true };
        }

        var path = body.StartsWith(FilePrefix, StringComparison.Ordinal) ? body[FilePrefix.Length..] : body;
        if (path.Contains('\0', StringComparison.Ordinal))
        {
            throw Refused(text, "there is a NUL character in the path; expected none");
        }

        if (path.Length == 0)
        {
            throw Refused(text, "the path is empty; expected PATH, file:PATH, http://..., https://... or mem:SIZE");
        }

        var scheme = path.IndexOf("://", StringComparison.Ordinal);
        return scheme > 0 && body == path && !File.Exists(path)
            ? throw Refused(text, $"unknown kind '{path[..scheme]}'; expected PATH, file:PATH, http://..., https://... or mem:SIZE")
            : new StorageLocation(StorageKind.File, text) { Path = path, IsReadOnly = isReadOnly };
    }

    /// <summary>As the user wrote it.</summary>
    public override string ToString() => Text;

    private static (string Body, bool IsReadOnly) WithoutSuffix(string text)
    {
        if (!text.EndsWith(ReadOnlySuffix, StringComparison.Ordinal))
        {
            return (text, false);
        }

        var path = text.StartsWith(FilePrefix, StringComparison.Ordinal) ? text[FilePrefix.Length..] : text;
        return File.Exists(path) ? (text, false) : (text[..^ReadOnlySuffix.Length], true);
    }

    private static bool IsHttp(string text) =>
        text.StartsWith("http://", StringComparison.OrdinalIgnoreCase)
        || text.StartsWith("https://", StringComparison.OrdinalIgnoreCase);

    private static Uri UrlOf(string body, string text) =>
        Uri.TryCreate(body, UriKind.Absolute, out var url) && url.Host.Length > 0
            ? url
            : throw Refused(text, "not an address; expected http://HOST/PATH or https://HOST/PATH");

    private static long SizeOf(string digits, string text)
    {
        var plain = digits.EndsWith("iB", StringComparison.OrdinalIgnoreCase) ? digits[..^2] : digits;
        return !plain.Contains('.', StringComparison.Ordinal) && ByteSizes.TryParse(plain, out var bytes) == ByteSizeKind.Size && bytes <= Backends.MemoryStorage.MaxSizeBytes
            ? bytes
            : throw Refused(text, $"found size '{digits}', expected a number of bytes up to 64T, such as 64M or 1048576");
    }

    private static BlockStorageException Refused(string text, string why) =>
        new(BlockErrorKind.InvalidFormat, BlockOperation.Open, text, null, $"{text}: {why}");
}
