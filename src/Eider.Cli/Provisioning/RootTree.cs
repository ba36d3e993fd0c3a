using System.Runtime.Versioning;
using System.Text;

namespace Eider.Cli.Provisioning;

/// <summary>The files of the guest's root file system, laid out in a folder of the host.</summary>
/// <param name="directory">The folder; empty or not there yet.</param>
[SupportedOSPlatform("linux")]
internal sealed class RootTree(string directory)
{
    private const UnixFileMode Executable = (UnixFileMode)0b111_101_101;
    private const UnixFileMode Plain = (UnixFileMode)0b110_100_100;

    /// <summary>Lays everything out.</summary>
    /// <param name="busybox">The static busybox.</param>
    /// <param name="kernelVersion">The kernel's release.</param>
    /// <param name="modules">Modules for <c>modprobe</c> and <c>insmod</c>, unpacked.</param>
    public void Build(byte[] busybox, string kernelVersion, IReadOnlyList<KernelModule> modules)
    {
        foreach (var folder in (string[])["dev", "proc", "sys", "run", "tmp", "root", "mnt", "etc", "home", "srv", "opt", "boot",
            "var/tmp", "var/log", "usr/bin", "usr/lib/eider", "usr/local/bin", "usr/local/sbin", "usr/share"])
        {
            Directory.CreateDirectory(At(folder), Executable);
        }

        File.SetUnixFileMode(At("root"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.SetUnixFileMode(At("tmp"), (UnixFileMode)0b001_111_111_111);
        File.SetUnixFileMode(At("var/tmp"), (UnixFileMode)0b001_111_111_111);
        Link("bin", "usr/bin");
        Link("sbin", "usr/bin");
        Link("lib", "usr/lib");
        Link("usr/sbin", "bin");
        Link("etc/mtab", "/proc/self/mounts");
        AddPrograms(busybox);
        AddSettings();
        AddModules(kernelVersion, modules);
    }

    private void AddPrograms(byte[] busybox)
    {
        Write("usr/bin/busybox", busybox, Executable);
        foreach (var applet in BusyboxApplets.Read(busybox).Except(["busybox", "eject"]))
        {
            Link($"usr/bin/{applet}", "busybox");
        }

        foreach (var script in (string[])["setup", "main", "agent", "off"])
        {
            Write($"usr/lib/eider/{script}", GuestScripts.Read(script), Executable);
        }

        Write("usr/bin/eject", GuestScripts.Read("eject"), Executable);
    }

    private void AddSettings()
    {
        Write("etc/inittab", GuestScripts.Read("inittab"), Plain);
        Text("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n");
        Text("etc/group", "root:x:0:\ntty:x:5:\ndisk:x:6:\nnogroup:x:65534:\n");
        Text("etc/hostname", "eider\n");
        Text("etc/hosts", "127.0.0.1 localhost eider\n");
        Text("etc/profile", "export PS1='eider:\\w\\$ '\n");
        Text("etc/os-release", "ID=eider\nNAME=Eider\nPRETTY_NAME=\"Eider quickstart guest\"\n");
    }

    private void AddModules(string kernelVersion, IReadOnlyList<KernelModule> modules)
    {
        var root = $"usr/lib/modules/{kernelVersion}";
        Directory.CreateDirectory(At(root), Executable);
        var byName = modules.ToDictionary(module => module.Name);
        var dependencies = new StringBuilder();
        var aliases = new StringBuilder();
        foreach (var module in modules)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(At($"{root}/{module.RelativePath}"))!);
            File.Copy(module.File, At($"{root}/{module.RelativePath}"), overwrite: true);
            File.SetUnixFileMode(At($"{root}/{module.RelativePath}"), Plain);
            var needs = module.Info.Dependencies.Where(byName.ContainsKey).Select(name => " " + byName[name].RelativePath);
            dependencies.Append(module.RelativePath).Append(':').AppendJoin("", needs).Append('\n');
            foreach (var alias in module.Info.Aliases)
            {
                aliases.Append("alias ").Append(alias).Append(' ').Append(module.Name).Append('\n');
            }
        }

        Text($"{root}/modules.dep", dependencies.ToString());
        Text($"{root}/modules.alias", aliases.ToString());
    }

    private string At(string path) => Path.Combine(directory, path);

    private void Link(string path, string target) => File.CreateSymbolicLink(At(path), target);

    private void Text(string path, string text) => Write(path, Encoding.UTF8.GetBytes(text), Plain);

    private void Write(string path, byte[] content, UnixFileMode mode)
    {
        File.WriteAllBytes(At(path), content);
        File.SetUnixFileMode(At(path), mode);
    }
}
