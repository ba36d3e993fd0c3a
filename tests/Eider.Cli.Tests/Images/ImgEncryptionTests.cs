namespace Eider.Cli.Tests.Images;

/// <summary>The old way of encryption is made only with a word of warning.</summary>
public sealed class ImgEncryptionTests : IDisposable
{
    private readonly ImgFixture _img = new();

    [Theory]
    [InlineData("encrypt.format=aes", true)]
    [InlineData("encryption=on", true)]
    [InlineData("encrypt.format=luks,encrypt.iter-time=10", false)]
    public async Task A_new_image_that_is_encrypted_in_the_old_way_is_made_with_a_warning(string options, bool isWarned)
    {
        await File.WriteAllTextAsync(_img.Folder.At("key"), "secret\n", TestContext.Current.CancellationToken);
        var (code, _, errors) = await _img.TryAsync("create", "-f", "qcow2", "-o", options, "--key-file", "key", "disk.qcow2", "1M");
        Assert.Equal(0, code);
        Assert.Equal(isWarned ? 1 : 0, errors.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.Equal(isWarned, errors.Contains("disk.qcow2: warning: AES in the old way is weak", StringComparison.Ordinal));
    }

    public void Dispose() => _img.Dispose();
}
