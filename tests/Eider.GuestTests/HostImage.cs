using System.Security.Cryptography;
using Eider.Cli.Provisioning;

namespace Eider.GuestTests;

/// <summary>What the host finds in an image afterwards, with e2fsprogs.</summary>
internal static class HostImage
{
    /// <summary>SHA-256 of a file inside of the image, in lower-case hex.</summary>
    public static async Task<string> Sha256InsideAsync(string image, string path, string scratch)
    {
        await Tool("debugfs").RunAsync(["-R", $"dump {path} {scratch}", image], TestContext.Current.CancellationToken);
        return await Sha256Async(scratch);
    }

    /// <summary>SHA-256 of a file of the host.</summary>
    public static async Task<string> Sha256Async(string path)
    {
        await using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(file, TestContext.Current.CancellationToken));
    }

    /// <summary>Fails unless <c>fsck.ext4 -fn</c> finds nothing.</summary>
    public static Task AssertCleanAsync(string image) =>
        Tool("fsck.ext4").RunAsync(["-fn", image], TestContext.Current.CancellationToken);

    /// <summary>Does what a mount would do first with the image of a machine that was stopped.</summary>
    public static Task ReplayJournalAsync(string image) =>
        Tool("e2fsck").RunAsync(["-E", "journal_only", "-p", image], TestContext.Current.CancellationToken);

    private static HostTool Tool(string name) => HostTool.Find(name, "e2fsprogs");
}
