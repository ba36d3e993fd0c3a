using System.CommandLine;
using Eider.Cli.Errors;
using Eider.Cli.Provisioning;

namespace Eider.Cli.Commands;

/// <summary><c>eider quickstart</c>: a stock Linux from nothing.</summary>
internal static class QuickstartCommand
{
    private static readonly string[] Releases = ["trixie", "forky", "sid"];

    /// <summary>The command with its options.</summary>
    public static Command Create()
    {
        var release = new Option<string>("--release")
        {
            Description = "Debian release whose kernel is booted: trixie, forky or sid.",
            DefaultValueFactory = _ => "trixie",
            HelpName = "SUITE",
        };
        release.AcceptOnlyFromAmong(Releases);
        var update = new Option<bool>("--update") { Description = "Look for newer packages than those in the cache." };
        var prepare = new Option<bool>("--prepare")
        {
            Description = "Only fetch and build the guest, and print where its kernel, initramfs and root image lie.",
        };
        var command = new Command(
            "quickstart", "Fetch a stock Debian riscv64 kernel and a small root file system, boot them, give a shell.")
        {
            release, update, prepare,
        };
        command.SetAction((result, token) => PrepareAsync(
            result.GetRequiredValue(release), result.GetValue(update), token));
        return command;
    }

    private static async Task<int> PrepareAsync(string release, bool update, CancellationToken cancellationToken)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new CliException(
                ExitCode.Unavailable,
                "quickstart fetches its guest on Debian; pass your own: eider run --kernel IMAGE --initrd INITRD --disk ROOT.img");
        }

        var cache = new GuestCache(GuestCache.DefaultDirectory(), Progress());
        var guest = await cache.GetAsync(release, update, cancellationToken);
        await Console.Out.WriteLineAsync($"kernel {guest.Kernel}\ninitrd {guest.Initrd}\nroot {guest.Root}\nversion {guest.KernelVersion}");
        return (int)ExitCode.Ok;
    }

    private static IProgressReport Progress() =>
        Console.IsErrorRedirected ? new PlainProgress(Console.Error) : TerminalProgress.OnStandardError();
}
