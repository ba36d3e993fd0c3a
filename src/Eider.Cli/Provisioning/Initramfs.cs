namespace Eider.Cli.Provisioning;

/// <summary>The first file system of the guest: what it takes to find the disk.</summary>
internal static class Initramfs
{
    private static readonly string[] Applets = ["sh", "mount", "insmod", "cat", "ls", "usleep", "sync", "switch_root"];

    /// <summary>Writes it as a cpio archive, not compressed: that unpacks fastest.</summary>
    /// <param name="output">Where it goes.</param>
    /// <param name="busybox">The static busybox.</param>
    /// <param name="modules">Modules in the order of their insertion.</param>
    /// <param name="ideModules">Those that are inserted only when the kernel's command line has the word eider.ide.</param>
    public static void Write(
        Stream output, ReadOnlySpan<byte> busybox, IReadOnlyList<KernelModule> modules, IReadOnlyList<KernelModule> ideModules)
    {
        var archive = new CpioWriter(output);
        foreach (var folder in (string[])["dev", "proc", "sys", "root", "usr", "usr/bin", "lib", "lib/modules"])
        {
            archive.AddDirectory(folder);
        }

        archive.AddCharacterDevice("dev/console", 5, 1);
        archive.AddLink("bin", "usr/bin");
        archive.AddLink("sbin", "usr/bin");
        archive.AddFile("usr/bin/busybox", busybox, executable: true);
        foreach (var applet in Applets)
        {
            archive.AddLink($"usr/bin/{applet}", "busybox");
        }

        // Some are needed by both.
        foreach (var module in modules.UnionBy(ideModules, module => module.Name))
        {
            archive.AddFile($"lib/modules/{module.Name}.ko", File.ReadAllBytes(module.File), executable: false);
        }

        AddOrder(archive, "order", modules);
        AddOrder(archive, "order.ide", ideModules.ExceptBy(modules.Select(module => module.Name), module => module.Name));
        archive.AddFile("init", GuestScripts.Read("initramfs-init"), executable: true);
        archive.Finish();
    }

    private static void AddOrder(CpioWriter archive, string name, IEnumerable<KernelModule> modules)
    {
        var order = string.Concat(modules.Select(module => $"{module.Name}.ko\n"));
        archive.AddFile($"lib/modules/{name}", System.Text.Encoding.UTF8.GetBytes(order), executable: false);
    }
}
