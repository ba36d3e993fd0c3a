namespace Eider.Cli.Provisioning;

/// <summary>Files that are there as a whole or not at all.</summary>
internal static class AtomicFile
{
    /// <summary>Writes a text beside the file, then moves it into place.</summary>
    public static async Task WriteTextAsync(string path, string text, CancellationToken cancellationToken)
    {
        var part = $"{path}.{Environment.ProcessId}.part";
        await File.WriteAllTextAsync(part, text, cancellationToken);
        File.Move(part, path, overwrite: true);
    }
}
