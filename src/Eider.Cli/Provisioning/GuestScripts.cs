using System.Security.Cryptography;

namespace Eider.Cli.Provisioning;

/// <summary>The shell scripts of the guest, from <c>guests/quickstart</c>.</summary>
internal static class GuestScripts
{
    private const string Prefix = "guests.quickstart.";

    /// <summary>The bytes of one script.</summary>
    public static byte[] Read(string name)
    {
        using var stream = typeof(GuestScripts).Assembly.GetManifestResourceStream(Prefix + name)
            ?? throw new InvalidOperationException($"no script {name} in this build");
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    /// <summary>Changes with every script; part of the name of what is built from them.</summary>
    public static string Fingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var name in typeof(GuestScripts).Assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            hash.AppendData(Read(name[Prefix.Length..]));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
