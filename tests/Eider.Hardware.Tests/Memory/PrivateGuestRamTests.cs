using System.Runtime.CompilerServices;
using Eider.Hardware.Memory;

namespace Eider.Hardware.Tests.Memory;

/// <summary>
/// The same demands on the memory of hosts without memfd (Windows, macOS, sandboxes that forbid the call): all of it works
/// but for sharing with another process.
/// </summary>
public sealed class PrivateGuestRamTests : GuestRamTests
{
    [Fact]
    public void Nothing_is_shared()
    {
        using var ram = new GuestRam(Map, [(0x1000, 2 * GuestRamRegion.PageBytes), (0x1_0000, GuestRamRegion.PageBytes)]);

        Assert.All(ram.Regions, region => Assert.Null(region.SharedHandle));
    }

    // A byte offset between two references, so that no pointer is needed here.
    [Fact]
    public void The_memory_starts_at_a_page_of_the_host()
    {
        using var ram = new GuestRam(Map, [(0, 2 * GuestRamRegion.PageBytes)]);
        Assert.True(ram.TryLease(0, 1, GuestMemoryAccess.Read, out var lease));

        var address = (ulong)Unsafe.ByteOffset(ref Unsafe.NullRef<byte>(), ref lease.Memory.Span[0]);

        Assert.Equal(0UL, address % GuestRamRegion.PageBytes);
        lease.Release(0);
    }

    [Fact]
    public void More_than_the_host_has_is_refused_with_the_size() =>
        Assert.Contains(
            "4611686018427387904", Assert.Throws<InsufficientMemoryException>(() => Map(1UL << 62)).Message, StringComparison.Ordinal);

    private protected override HostMapping Map(ulong sizeBytes) => new AnonymousMapping(sizeBytes);
}
