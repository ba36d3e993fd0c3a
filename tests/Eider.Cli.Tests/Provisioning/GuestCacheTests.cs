using System.Runtime.Versioning;
using System.Security.Cryptography;
using Eider.Cli.Errors;
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

    [Theory]
    [InlineData("Image", false)]
    [InlineData("initrd", false)]
    [InlineData("root.img", true)]
    public void A_cached_kernel_or_ramdisk_with_one_wrong_byte_is_not_used(string damaged, bool isUsed)
    {
        using var folder = new TemporaryFolder();
        var files = new[] { "Image", "initrd", "root.img" };
        foreach (var file in files)
        {
            File.WriteAllText(folder.At(file), $"content of {file}");
        }

        var entries = files.Select(file =>
        {
            var content = File.ReadAllBytes(folder.At(file));
            return $$"""{ "name": "{{file}}", "sizeBytes": {{content.Length}}, "sha256": "{{Convert.ToHexStringLower(SHA256.HashData(content))}}" }""";
        });
        File.WriteAllText(folder.At("guest.json"), $$"""{ "kernelVersion": "1", "files": [ {{string.Join(',', entries)}} ] }""");
        Assert.NotNull(GuestCache.TryOpen(folder.At("")));

        File.WriteAllText(folder.At(damaged), $"Content of {damaged}");
        Assert.Equal(isUsed, GuestCache.TryOpen(folder.At("")) is not null);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{ "kernelVersion": "1" }""")]
    [InlineData("""{ "kernelVersion": "1", "files": null }""")]
    [InlineData("""{ "kernelVersion": "1", "files": [] }""")]
    [InlineData("""{ "kernelVersion": "1", "files": [ null ] }""")]
    [InlineData("""{ "kernelVersion": "1", "files": [ {} ] }""")]
    public void A_cached_guest_whose_list_does_not_name_its_files_is_not_used(string manifest)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder.At("guest.json"), manifest);

        Assert.Null(GuestCache.TryOpen(folder.At("")));
    }

    [Fact]
    public async Task A_lock_that_cannot_be_made_is_told_in_one_line_and_not_waited_for()
    {
        using var folder = new TemporaryFolder();
        File.CreateSymbolicLink(folder.At("lock"), folder.At("lock"));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));

        var error = await Assert.ThrowsAsync<CliException>(() => GuestCache.HoldAsync(folder.At("lock"), patience.Token));

        Assert.Equal(ExitCode.CannotCreate, error.ExitCode);
        Assert.StartsWith($"{folder.At("lock")}: cannot be made (", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public async Task A_lock_that_another_holds_is_waited_for()
    {
        using var folder = new TemporaryFolder();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var first = await GuestCache.HoldAsync(folder.At("lock"), patience.Token);
        var second = GuestCache.HoldAsync(folder.At("lock"), patience.Token);
        await Task.Delay(TimeSpan.FromMilliseconds(300), patience.Token);
        Assert.False(second.IsCompleted);

        await first.DisposeAsync();
        await (await second).DisposeAsync();
    }
}
