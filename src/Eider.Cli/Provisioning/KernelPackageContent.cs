using System.Buffers.Binary;
using Eider.Cli.Errors;

namespace Eider.Cli.Provisioning;

/// <summary>The bootable image and the modules out of a release's kernel packages.</summary>
/// <param name="Image">File of the flat image.</param>
/// <param name="Version">The kernel's release, such as <c>6.12.107+deb13-riscv64</c>.</param>
/// <param name="ModulesDirectory">Folder of that version's modules, still packed.</param>
internal sealed record KernelPackageContent(string Image, string Version, string ModulesDirectory)
{
    // Linux Documentation/arch/riscv/boot-image-header.rst: magic2 at offset 56.
    private const int HeaderBytes = 64;
    private const uint ImageMagic2 = 0x05435352;

    private const string ModulesPath = "lib/modules/";

    /// <summary>Unpacks what is needed into a folder.</summary>
    /// <exception cref="CliException">The packages hold no RISC-V image or no modules.</exception>
    public static async Task<KernelPackageContent> UnpackAsync(
        IEnumerable<string> packages, string folder, CancellationToken cancellationToken)
    {
        var image = Path.Combine(folder, "Image");
        var modules = Path.Combine(folder, "modules");
        foreach (var package in packages)
        {
            await DebPackage.VisitAsync(
                package,
                entry =>
                {
                    if (entry.Content is { } content)
                    {
                        Take(entry, content, image, modules);
                    }
                },
                cancellationToken);
        }

        var versions = Directory.Exists(modules) ? Directory.GetDirectories(modules) : [];
        return File.Exists(image) && versions.Length > 0
            ? new KernelPackageContent(image, Path.GetFileName(versions[0]), versions[0])
            : throw new CliException(
                ExitCode.Unavailable,
                $"the kernel packages hold {(File.Exists(image) ? "no modules" : "no RISC-V image")}: their layout changed");
    }

    private static void Take(DebEntry entry, Stream content, string image, string modules)
    {
        var at = entry.Path.IndexOf(ModulesPath, StringComparison.Ordinal);
        if (at >= 0 && entry.Path.Contains(".ko", StringComparison.Ordinal))
        {
            var target = Path.GetFullPath(Path.Combine(modules, entry.Path[(at + ModulesPath.Length)..]));
            if (target.StartsWith(modules + "/", StringComparison.Ordinal))
            {
                Directory.CreateDirectory(Path.GetDirectoryName(target)!);
                using var file = File.Create(target);
                content.CopyTo(file);
            }
        }
        else if (entry.LengthBytes > 1 << 20)
        {
            // By its magic, never by its name: the file called vmlinux is no ELF, and the name changes with releases.
            var header = new byte[HeaderBytes];
            content.ReadExactly(header);
            if (BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(56)) == ImageMagic2)
            {
                using var file = File.Create(image);
                file.Write(header);
                content.CopyTo(file);
            }
        }
    }
}
