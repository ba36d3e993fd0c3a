using System.Diagnostics.CodeAnalysis;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text.Json;
using Eider.Cli.Errors;

namespace Eider.Cli.Provisioning;

/// <summary>
/// Guests by release, below the user's cache folder: fetched and built once, then used without a network. What is
/// built depends on the packages and on the scripts of this build; a change of either builds anew from the packages.
/// </summary>
/// <param name="directory">The cache folder.</param>
/// <param name="progress">Told how far it is.</param>
[SupportedOSPlatform("linux")]
internal sealed class GuestCache(string directory, IProgressReport progress)
{
    private const string ImageName = "Image";
    private const string InitrdName = "initrd";
    private const string RootName = "root.img";
    private const string ManifestName = "guest.json";

    private static readonly string[] Needed = [ImageName, InitrdName, RootName];

    // To be raised when what is made of the same packages and scripts changes.
    private const int Recipe = 4;

    private static readonly string[] InitramfsModules = ["virtio_mmio", "virtio_blk", "virtio_rng", "ext4"];

    // For the kernel's word eider.ide: a CMD646 with disks and CD drives.
    private static readonly string[] IdeModules = ["pata_cmd64x", "sd_mod", "sr_mod"];

    // What a guest may want to insert later: the drivers of Eider's devices, and file systems of other images.
    private static readonly string[] ModuleFolders =
        ["kernel/drivers/virtio", "kernel/drivers/char/hw_random", "kernel/drivers/cdrom"];

    private static readonly string[] Modules =
        ["virtio_blk", "virtio_mmio", "virtio_net", "virtio_scsi", "ext4", "vfat", "nls_ascii", "nls_cp437", "isofs",
            "squashfs", "overlay", "loop", "brd", "sd_mod", "sr_mod", "ata_piix", "ata_generic", "pata_cmd64x", "nvme"];

    /// <summary>The user's cache folder: <c>$XDG_CACHE_HOME/eider</c> or <c>~/.cache/eider</c>.</summary>
    public static string DefaultDirectory()
    {
        var configured = Environment.GetEnvironmentVariable("XDG_CACHE_HOME");
        var home = Environment.GetEnvironmentVariable("HOME")
            ?? Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        return Path.Combine(Path.IsPathRooted(configured) ? configured : Path.Combine(home, ".cache"), "eider");
    }

    /// <summary>A guest that is there already, or null.</summary>
    /// <param name="release">The suite, such as <c>trixie</c>.</param>
    public GuestFiles? TryGet(string release)
    {
        var fetcher = new PackageFetcher(ReleaseDirectory(release), release);
        return fetcher.Cached() is { } set ? TryOpen(GuestDirectory(release, set)) : null;
    }

    /// <summary>A guest, fetched and built if need be.</summary>
    /// <param name="release">The suite, such as <c>trixie</c>.</param>
    /// <param name="update">True to look for newer packages.</param>
    /// <param name="cancellationToken">Ends it early; nothing half made stays in use.</param>
    /// <exception cref="CliException">This is no Debian, or a tool, the network or a checksum fails.</exception>
    public async Task<GuestFiles> GetAsync(string release, bool update, CancellationToken cancellationToken)
    {
        if (!update && TryGet(release) is { } ready)
        {
            return ready;
        }

        DebianRelease.Require(File.Exists("/etc/os-release") ? await File.ReadAllTextAsync("/etc/os-release", cancellationToken) : null);
        CreateCache(release);
        await using var held = await HoldAsync(Path.Combine(ReleaseDirectory(release), "lock"), cancellationToken);
        var fetcher = new PackageFetcher(ReleaseDirectory(release), release);
        var set = (update ? null : fetcher.Cached()) ?? await fetcher.FetchAsync(progress, cancellationToken);
        var target = GuestDirectory(release, set);
        return TryOpen(target) ?? await progress.RunAsync(
            "initramfs and root file system", share => BuildAsync(fetcher, set, target, share, cancellationToken));
    }

    private string ReleaseDirectory(string release) => Path.Combine(directory, $"debian-{release}");

    private string GuestDirectory(string release, PackageSet set)
    {
        var ingredients = string.Join(' ', set.Kernel.Concat(set.Root).Select(package => package.Sha256))
            + GuestScripts.Fingerprint() + Recipe;
        var hash = Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(ingredients)));
        return Path.Combine(ReleaseDirectory(release), $"guest-{hash[..16]}");
    }

    private void CreateCache(string release)
    {
        try
        {
            Directory.CreateDirectory(ReleaseDirectory(release));
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new CliException(
                ExitCode.CannotCreate,
                $"{ReleaseDirectory(release)}: cannot be made ({cause.Message}); set XDG_CACHE_HOME to a folder of yours", cause);
        }
    }

    /// <summary>Takes the file for this process: one fetches, the others wait for it, as long as it takes.</summary>
    /// <exception cref="CliException">The file cannot be made, for another reason than that somebody holds it.</exception>
    internal static async Task<FileStream> HoldAsync(string path, CancellationToken cancellationToken)
    {
        const int HeldByAnother = 11; // EWOULDBLOCK on Linux
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException held) when (held.HResult == HeldByAnother)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200), cancellationToken);
            }
            catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
            {
                throw new CliException(
                    ExitCode.CannotCreate, $"{path}: cannot be made ({cause.Message}); set XDG_CACHE_HOME to a folder of yours", cause);
            }
        }
    }

    /// <summary>
    /// A finished guest, or null if it is damaged: it is then made anew from the packages. Kernel and ramdisk are held against their
    /// checksums each time; the root file system against its size only, since reading it takes longer than to boot it.
    /// </summary>
    internal static GuestFiles? TryOpen(string folder)
    {
        try
        {
            var manifest = JsonSerializer.Deserialize(
                File.ReadAllText(Path.Combine(folder, ManifestName)), ProvisioningJson.Default.GuestManifest);
            var complete = manifest != null
                && Needed.All(name => manifest.Files.Any(file => file?.Name == name))
                && manifest.Files.All(file => file != null && IsWhole(Path.Combine(folder, file.Name), file));
            return complete
                ? new GuestFiles(
                    Path.Combine(folder, ImageName), Path.Combine(folder, InitrdName), Path.Combine(folder, RootName),
                    manifest!.KernelVersion)
                : null;
        }
        catch (Exception missing) when (missing is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    private static bool IsWhole(string path, GuestFile file)
    {
        if (new FileInfo(path) is not { Exists: true } found || found.Length != file.SizeBytes)
        {
            return false;
        }

        if (file.Name is not (ImageName or InitrdName))
        {
            return true;
        }

        using var stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream)) == file.Sha256;
    }

    [SuppressMessage("Reliability", "CA2000", Justification = "Streams are disposed at the end of their block.")]
    private static async Task<GuestFiles> BuildAsync(
        PackageFetcher fetcher, PackageSet set, string target, Action<double> share, CancellationToken cancellationToken)
    {
        var work = $"{target}.{Environment.ProcessId}.part";
        var result = Path.Combine(work, "result");
        Directory.CreateDirectory(result);
        try
        {
            var kernel = await KernelPackageContent.UnpackAsync(set.Kernel.Select(fetcher.Checked), work, cancellationToken);
            var busybox = await BusyboxAsync(set.Root.Select(fetcher.Checked), cancellationToken);
            share(0.5);
            var modules = new ModuleTree(kernel.ModulesDirectory);
            await using (var initrd = File.Create(Path.Combine(result, InitrdName)))
            {
                var needed = await modules.ClosureAsync(InitramfsModules, cancellationToken);
                var ideNeeded = await modules.ClosureAsync(IdeModules, cancellationToken);
                Initramfs.Write(initrd, busybox, needed, ideNeeded);
            }

            var tree = Path.Combine(work, "tree");
            var wanted = Modules.Concat(ModuleFolders.SelectMany(modules.Below)).Distinct();
            new RootTree(tree).Build(busybox, kernel.Version, await modules.ClosureAsync(wanted, cancellationToken));
            share(0.7);
            await Ext4Image.BuildAsync(tree, Path.Combine(result, RootName), cancellationToken);
            File.Move(kernel.Image, Path.Combine(result, ImageName));
            share(0.9);
            await WriteManifestAsync(result, kernel.Version, cancellationToken);
            Publish(result, target);
            DropOlder(target);
            return TryOpen(target)
                ?? throw new CliException(ExitCode.Internal, $"{target}: not complete after it was made");
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    /// <summary>Puts a finished guest in its place; a damaged one that stands there goes.</summary>
    /// <param name="result">The finished folder, on the same file system.</param>
    /// <param name="target">Its place.</param>
    internal static void Publish(string result, string target)
    {
        if (Directory.Exists(target))
        {
            var damaged = result + ".damaged";
            Directory.Move(target, damaged);
            Directory.Delete(damaged, recursive: true);
        }

        Directory.Move(result, target);
    }

    private static async Task<byte[]> BusyboxAsync(IEnumerable<string> packages, CancellationToken cancellationToken)
    {
        byte[]? program = null;
        foreach (var package in packages)
        {
            await DebPackage.VisitAsync(
                package,
                entry =>
                {
                    if (entry.Path.EndsWith("bin/busybox", StringComparison.Ordinal) && entry.Content is { } content)
                    {
                        program = new byte[entry.LengthBytes];
                        content.ReadExactly(program);
                    }
                },
                cancellationToken);
        }

        return program ?? throw new CliException(ExitCode.Unavailable, "busybox-static: holds no busybox");
    }

    private static async Task WriteManifestAsync(string folder, string kernelVersion, CancellationToken cancellationToken)
    {
        var files = new List<GuestFile>();
        foreach (var path in Directory.GetFiles(folder).Order(StringComparer.Ordinal))
        {
            await using var stream = File.OpenRead(path);
            var hash = await SHA256.HashDataAsync(stream, cancellationToken);
            files.Add(new GuestFile(Path.GetFileName(path), stream.Length, Convert.ToHexStringLower(hash)));
        }

        await AtomicFile.WriteTextAsync(
            Path.Combine(folder, ManifestName),
            JsonSerializer.Serialize(new GuestManifest(kernelVersion, files), ProvisioningJson.Default.GuestManifest),
            cancellationToken);
    }

    // Guests of older recipes; the last ones stay, for builds of Eider that are used side by side.
    private static void DropOlder(string current)
    {
        const int Kept = 2;
        foreach (var old in Directory.GetDirectories(Path.GetDirectoryName(current)!, "guest-????????????????")
            .Where(folder => folder != current).OrderByDescending(Directory.GetLastWriteTimeUtc).Skip(Kept))
        {
            Directory.Delete(old, recursive: true);
        }
    }
}
