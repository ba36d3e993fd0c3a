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

        return Resolve(first) == Resolve(second)
            || (OperatingSystem.IsLinux() && IdentityOf(first) is { } identity && identity == IdentityOf(second));
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

    private static string Resolve(string path) =>
        Path.GetFullPath(File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path);

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
