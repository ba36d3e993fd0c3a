namespace Eider.Storage.Formats;

/// <summary>Names inside images: plain paths, relative to the image that has them.</summary>
internal static class ImageNames
{
    private const int MaxLinks = 40;

    /// <summary>The path that a name inside an image means.</summary>
    /// <param name="imagePath">Where the image is.</param>
    /// <param name="name">The name as the image has it.</param>
    public static string Resolve(string imagePath, string name) =>
        Path.IsPathRooted(name) ? name : Path.Combine(Path.GetDirectoryName(imagePath) ?? "", name);

    /// <summary>True if a path lies in a directory or below it, after all symbolic links of both are followed.</summary>
    /// <param name="path">The path; it need not exist.</param>
    /// <param name="directory">The directory.</param>
    /// <param name="real">The path without symbolic links: the one to open.</param>
    public static bool TryPlaceWithin(string path, string directory, out string real)
    {
        real = "";
        if (FollowLinks(path) is not { } target || FollowLinks(directory) is not { } root)
        {
            return false;
        }

        real = target;
        return IsWithin(target, root);
    }

    /// <summary>True if an absolute path without links lies below an absolute directory without links.</summary>
    public static bool IsWithin(string path, string directory)
    {
        var prefix = Path.EndsInDirectorySeparator(directory) ? directory : directory + Path.DirectorySeparatorChar;
        var comparison = OperatingSystem.IsWindows() ? StringComparison.OrdinalIgnoreCase : StringComparison.Ordinal;
        return path.StartsWith(prefix, comparison);
    }

    /// <summary>The absolute path with every symbolic link followed; null if the links run in a circle.</summary>
    public static string? FollowLinks(string path)
    {
        // Not Path.GetFullPath of the whole: "link/.." is the parent of the link's target.
        var rest = new Stack<string>();
        var start = Path.IsPathRooted(path) ? path : Path.Combine(Directory.GetCurrentDirectory(), path);
        var done = Push(start, rest) ?? Path.GetPathRoot(Directory.GetCurrentDirectory())!;
        for (var links = 0; rest.Count > 0;)
        {
            var part = rest.Pop();
            if (part == "..")
            {
                done = Path.GetDirectoryName(done) ?? done;
                continue;
            }

            var next = Path.Combine(done, part);
            var target = new FileInfo(next).LinkTarget;
            if (target == null)
            {
                done = next;
                continue;
            }

            if (++links > MaxLinks)
            {
                return null;
            }

            done = Push(target, rest) ?? done;
        }

        return done;
    }

    /// <summary>Puts the parts of a path on the stack, first part on top; returns its root, or null if it has none.</summary>
    private static string? Push(string path, Stack<string> rest)
    {
        var root = Path.GetPathRoot(path);
        var parts = path[(root?.Length ?? 0)..]
            .Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries);
        for (var index = parts.Length - 1; index >= 0; index--)
        {
            if (parts[index] != ".")
            {
                rest.Push(parts[index]);
            }
        }

        return string.IsNullOrEmpty(root) ? null : root;
    }
}
