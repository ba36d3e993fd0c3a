namespace Eider.Machines;

/// <summary>Opens the files that a configuration names, with one line for each way in which that fails.</summary>
internal static class HostFiles
{
    /// <summary>Opens a file for reading.</summary>
    /// <exception cref="MachineConfigurationException">It does not exist, is a directory or cannot be read.</exception>
    public static FileStream OpenRead(string path) => Open(path, FileAccess.Read);

    /// <summary>Opens a file for reading and writing.</summary>
    /// <exception cref="MachineConfigurationException">It does not exist, is a directory or cannot be opened so.</exception>
    public static FileStream OpenReadWrite(string path) => Open(path, FileAccess.ReadWrite);

    private static FileStream Open(string path, FileAccess access)
    {
        try
        {
            var file = new FileStream(
                path, new FileStreamOptions { Access = access, Share = access == FileAccess.Read ? FileShare.Read : FileShare.ReadWrite, Options = FileOptions.SequentialScan, BufferSize = 0 });
            return file.CanSeek ? file : throw NotAFile(path, file);
        }
        catch (Exception cause) when (cause is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new MachineConfigurationException(
                MachineErrorKind.MissingInput, path, "no such file", "check the path", cause);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            var reason = Directory.Exists(path) ? "found a directory, expected a file" : $"cannot be {(access == FileAccess.Read ? "read" : "written")} ({cause.Message})";
            throw new MachineConfigurationException(
                MachineErrorKind.MissingInput, path, reason, "check the path and its permissions", cause);
        }
    }

    /// <summary>Refuses what <see cref="Create"/> could not make, as far as that can be told without making it.</summary>
    /// <exception cref="MachineConfigurationException">Its directory is missing, or it is a directory.</exception>
    public static void CheckCreate(string path)
    {
        if (Directory.Exists(path) || Path.GetDirectoryName(path) is not { } directory || (directory.Length > 0 && !Directory.Exists(directory)))
        {
            var reason = Directory.Exists(path) ? "found a directory, expected a file" : "cannot be made (its directory does not exist)";
            throw new MachineConfigurationException(MachineErrorKind.CannotCreate, path, reason, "check the path");
        }
    }

    /// <summary>Makes or empties a file for writing.</summary>
    /// <exception cref="MachineConfigurationException">It cannot be made.</exception>
    public static FileStream Create(string path)
    {
        try
        {
            return new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new MachineConfigurationException(
                MachineErrorKind.CannotCreate, path, $"cannot be made ({cause.Message})", "check the path and its permissions", cause);
        }
    }

    private static MachineConfigurationException NotAFile(string path, FileStream stream)
    {
        stream.Dispose();
        return new MachineConfigurationException(
            MachineErrorKind.BadInput, path, "found a pipe or a device, expected a file", "put the content into a file first");
    }
}
