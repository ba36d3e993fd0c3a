namespace Eider.Machines.Tests.Configuration;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("4096", 4096)]
    [InlineData("1k", 1024)]
    [InlineData("512M", 512L << 20)]
    [InlineData("512MiB", 512L << 20)]
    [InlineData(" 4G ", 4L << 30)]
    [InlineData("8388607T", 8388607L << 40)]
    public void Reads_numbers_with_suffixes(string text, long bytes) => Assert.Equal(bytes, ByteSize.Parse(text).Bytes);

    [Theory]
    [InlineData("")]
    [InlineData("M")]
    [InlineData("-1M")]
    [InlineData("1.5G")]
    [InlineData("12X")]
    [InlineData("8388608T")]
    [InlineData("99999999999999999999")]
    public void Refuses_what_is_no_size(string text) =>
        Assert.Equal(MachineErrorKind.BadSetting, Assert.Throws<MachineConfigurationException>(() => ByteSize.Parse(text)).Kind);

    [Theory]
    [InlineData("0")]
    [InlineData("1000")]
    [InlineData("1536M")]
    [InlineData("2T")]
    public void Is_written_as_it_is_read(string text) => Assert.Equal(text, ByteSize.Parse(text).ToString());
}
