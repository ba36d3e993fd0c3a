namespace Eider.Storage.Tests;

public sealed class ByteSizesTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("1024", 1024)]
    [InlineData("1024.0", 1024)]
    [InlineData("1b", 1)]
    [InlineData("64k", 65536)]
    [InlineData("1.5M", 1572864)]
    [InlineData("0.0009765625K", 1)]
    [InlineData("1.999999999999999999999999999999999999K", 2047)]
    [InlineData("7E", 7L << 60)]
    [InlineData("9223372036854775807", long.MaxValue)]
    public void A_size_is_read(string text, long expected)
    {
        Assert.Equal(ByteSizeKind.Size, ByteSizes.TryParse(text, out var bytes));
        Assert.Equal(expected, bytes);
    }

    [Theory]
    [InlineData("8E")]
    [InlineData("9223372036854775808")]
    [InlineData("99999999999999999999999999999999999999.5E")]
    public void A_size_that_nothing_can_have_is_told_apart(string text) =>
        Assert.Equal(ByteSizeKind.TooLarge, ByteSizes.TryParse(text, out _));

    [Theory]
    [InlineData("")]
    [InlineData("k")]
    [InlineData("-1")]
    [InlineData("+1")]
    [InlineData(" 1")]
    [InlineData("1.5")]
    [InlineData("1.5b")]
    [InlineData("1.")]
    [InlineData(".5k")]
    [InlineData("1kb")]
    [InlineData("0x10")]
    [InlineData("1e3")]
    [InlineData("1.5.5k")]
    public void Anything_else_is_none(string text)
    {
        Assert.Equal(ByteSizeKind.None, ByteSizes.TryParse(text, out var bytes));
        Assert.Equal(0, bytes);
    }
}
