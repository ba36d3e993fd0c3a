namespace Eider.Compare.Processes;

/// <summary>Kernel, initramfs and root image of the guest that <c>eider quickstart</c> boots.</summary>
/// <param name="Kernel">The kernel.</param>
/// <param name="Initrd">Its initramfs.</param>
/// <param name="Root">The ext4 image.</param>
/// <param name="Version">The kernel's version.</param>
public sealed record GuestFiles(string Kernel, string Initrd, string Root, string Version)
{
    /// <summary>Lets the command make them, if they are not there yet.</summary>
    public static GuestFiles Prepare(string eider)
    {
        using var process = new HostProcess([eider, "quickstart", "--prepare"], TimeSpan.FromMinutes(5));
        var lines = process.WaitFor("version ") + process.WaitFor("\n");
        var values = lines.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split(' ', 2)).ToDictionary(pair => pair[0], pair => pair[1].Trim());
        process.WaitForExit();
        return new GuestFiles(values["kernel"], values["initrd"], values["root"], values["version"]);
    }
}
