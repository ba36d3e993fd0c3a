using System.Runtime.Versioning;
using Eider.Cli.Provisioning;

namespace Eider.Cli.Tests.Provisioning;

/// <summary>The cache of guests.</summary>
[SupportedOSPlatform("linux")]
public sealed class GuestCacheTests
{
    [Fact]
    public void A_guest_that_was_built_again_takes_the_place_of_a_damaged_one()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.At("guest-1"));
        File.WriteAllText(folder.At("guest-1/Image"), "cut sho");
        Directory.CreateDirectory(folder.At("work/result"));
        File.WriteAllText(folder.At("work/result/Image"), "whole");

        GuestCache.Publish(folder.At("work/result"), folder.At("guest-1"));

        Assert.Equal("whole", File.ReadAllText(folder.At("guest-1/Image")));
        Assert.Empty(Directory.GetFileSystemEntries(folder.At("work")));
    }

    [Fact]
    public void The_first_guest_is_put_in_its_place()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder.At("work/result"));
        File.WriteAllText(folder.At("work/result/Image"), "whole");

        GuestCache.Publish(folder.At("work/result"), folder.At("guest-1"));

        Assert.Equal("whole", File.ReadAllText(folder.At("guest-1/Image")));
    }
}
