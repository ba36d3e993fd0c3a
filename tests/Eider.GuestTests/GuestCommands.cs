namespace Eider.GuestTests;

/// <summary>Shell scripts that several tests run in the guest.</summary>
internal static class GuestCommands
{
    /// <summary>Writes random data to <c>/data</c>, makes it durable, forgets it, reads it back and prints its SHA-256.</summary>
    public static string WriteAndHash { get; } =
        $"""
        set -e
        dd if=/dev/urandom of=/data bs=1M count={GuestSuite.DataMebibytes} 2>/dev/null
        sync
        echo 3 >/proc/sys/vm/drop_caches
        sha256sum /data | cut -d' ' -f1
        """;
}
