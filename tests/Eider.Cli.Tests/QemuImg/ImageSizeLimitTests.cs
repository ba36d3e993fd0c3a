namespace Eider.Cli.Tests.QemuImg;

/// <summary>Sizes at and beyond what 63 bits hold.</summary>
public sealed class ImageSizeLimitTests
{
    [Theory]
    [InlineData("img create -f qcow2 a 9223372036854775807")]
    [InlineData("img create -f luks --key-file key a 9223372036854775296")]
    [InlineData("img create -f raw a 99999999999999.5E")]
    [InlineData("img --compat=qemu create -f qcow2 a 9223372036854775807")]
    [InlineData("img --compat=qemu create -f raw a 99999999999999.5E")]
    [InlineData("img --compat=qemu resize -f qcow2 small +9223372036854775807")]
    [InlineData("img --compat=qemu resize -f qcow2 small 9223372036854775807")]
    public async Task A_size_that_nothing_can_have_is_a_mistake_of_the_user(string line)
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder.At("key"), "passphrase", TestContext.Current.CancellationToken);
        Assert.Equal(0, (await EiderProcess.RunAsync(folder.Path, "img", "create", "-f", "qcow2", "small", "1M")).Code);

        var (code, _, errors) = await EiderProcess.RunAsync(folder.Path, line.Split(' '));

        Assert.DoesNotContain("fault of Eider", errors, StringComparison.Ordinal);
        Assert.NotEmpty(errors);
        Assert.NotEqual(0, code);
        Assert.NotEqual(70, code);
    }
}
