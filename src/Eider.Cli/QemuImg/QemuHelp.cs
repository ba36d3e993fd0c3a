using System.Reflection;

namespace Eider.Cli.QemuImg;

/// <summary>Help and version of this face.</summary>
internal static class QemuHelp
{
    /// <summary>The version of qemu-img whose texts are printed, and who prints them.</summary>
    public static string Version =>
        $"qemu-img version 7.2.22 (Eider {typeof(QemuHelp).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion})\n";

    /// <summary>The help.</summary>
    public static string Text(IEnumerable<string> commands) =>
        Version
        + "usage: qemu-img [standard options] command [command options]\n"
        + "Disk images with the command line of qemu-img; the commands' options are described by qemu-img(1).\n\n"
        + "Commands:\n"
        + string.Concat(commands.Order(StringComparer.Ordinal).Select(command => $"  {command}\n"))
        + "\nSupported formats: luks qcow2 raw\n"
        + "Eider's own commands, with more of them and safer defaults: eider img --help\n";
}
