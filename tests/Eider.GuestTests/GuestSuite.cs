using System.Globalization;
using Eider.Cli.Provisioning;

namespace Eider.GuestTests;

/// <summary>How large the suite is: small in CI, whole by <c>./test --guests</c>.</summary>
public static class GuestSuite
{
    /// <summary>Mebibytes of random data that each variant writes (<c>EIDER_GUEST_MIB</c>, 8 by default).</summary>
    public static int DataMebibytes { get; } = int.Parse(Setting("EIDER_GUEST_MIB", "8"), CultureInfo.InvariantCulture);

    /// <summary>Debian releases whose kernels are booted (<c>EIDER_GUEST_RELEASES</c>, the stable one by default).</summary>
    public static IReadOnlyList<string> Releases { get; } = Setting("EIDER_GUEST_RELEASES", "trixie").Split(' ');

    /// <summary>True to let the kernel test its ciphers at boot (<c>EIDER_GUEST_SELFTESTS=1</c>).</summary>
    public static bool HasSelfTests { get; } = Setting("EIDER_GUEST_SELFTESTS", "0") == "1";

    /// <summary>The releases, for theories.</summary>
    public static TheoryData<string> EachRelease => [.. Releases];

    /// <summary>Each release with each kind of ring and number of queues.</summary>
    public static TheoryData<string, string, int> EachRing
    {
        get
        {
            var data = new TheoryData<string, string, int>();
            foreach (var release in Releases)
            {
                foreach (var ring in (string[])["split", "packed"])
                {
                    data.Add(release, ring, 1);
                    data.Add(release, ring, 4);
                }
            }

            return data;
        }
    }

    /// <summary>A release's kernel, initramfs and root image; fetched if need be.</summary>
    internal static Task<GuestFiles> FilesAsync(string release) =>
        new GuestCache(GuestCache.DefaultDirectory(), new SilentProgress())
            .GetAsync(release, update: false, TestContext.Current.CancellationToken);

    private static string Setting(string name, string otherwise) =>
        Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : otherwise;
}
