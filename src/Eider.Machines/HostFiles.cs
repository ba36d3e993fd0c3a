namespace Eider.Machines;

/// <summary>Opens the files that a configuration names, with one line for each way in which that fails.</summary>
internal static class HostFiles
{
    /// <summary>Opens a file for reading.</summary>
    /// <exception cref="MachineConfigurationException">It does not exist, is a directory or cannot be read.</exception>
    public static FileStream OpenRead(string path)
    {
        try
        {
            return new FileStream(path, new FileStreamOptions { Options = FileOptions.SequentialScan, BufferSize = 0 });
        }
        catch (Exception cause) when (cause is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new MachineConfigurationException(
                MachineErrorKind.MissingInput, path, "no such file", "check the path", cause);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            var reason = Directory.Exists(path) ? "found a directory, expected a file" : $"cannot be read ({cause.Message})";
            throw new MachineConfigurationException(
                MachineErrorKind.MissingInput, path, reason, "check the path and its permissions", cause);
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
                MachineErrorKind.MissingInput, path, $"cannot be made ({cause.Message})", "check the path and its permissions", cause);
        }
    }
}
