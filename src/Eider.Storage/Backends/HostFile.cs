namespace Eider.Storage.Backends;

/// <summary>Questions about files of the host.</summary>
public static class HostFile
{
    /// <summary>True if two names lead to one existing file: through links of either kind on Linux, symbolic ones elsewhere.</summary>
    public static bool AreSame(string first, string second)
    {
        if (!File.Exists(first) || !File.Exists(second))
        {
            return false;
        }

        return FinalPath(first) == FinalPath(second)
            || (OperatingSystem.IsLinux() && IdentityOf(first) is { } identity && identity == IdentityOf(second));
    }

    /// <summary>The whole path that a name leads to through symbolic links; that of the name itself where it leads nowhere: opening it says so.</summary>
    /// <param name="path">The name.</param>
    public static string FinalPath(string path)
    {
        var full = Path.GetFullPath(path);
        try
        {
            return File.ResolveLinkTarget(full, returnFinalTarget: true)?.FullName ?? full;
        }
        catch (IOException)
        {
            return full; // missing or a loop
        }
    }

    /// <summary>Space that a file takes on the host, in bytes; null where the host does not say.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="BlockStorageException">There is no such file, or it may not be opened.</exception>
    public static long? AllocatedBytesOf(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        using var handle = LinuxFiles.Open(path, isReadOnly: true, isDirect: false, createNew: false);
        return LinuxFiles.StatusOf(handle, path).AllocatedBytes;
    }

    [System.Runtime.Versioning.SupportedOSPlatform("linux")]
    private static FileIdentity? IdentityOf(string path)
    {
        try
        {
            using var handle = LinuxFiles.Open(path, isReadOnly: true, isDirect: false, createNew: false);
            return LinuxFiles.StatusOf(handle, path).Identity;
        }
        catch (BlockStorageException)
        {
            // Not to be read by us: then it is none of the files that we read or write.
            return null;
        }
    }
}
