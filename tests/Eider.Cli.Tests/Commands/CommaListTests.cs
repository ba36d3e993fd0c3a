using Eider.Cli.Commands;
using Eider.Cli.Errors;

namespace Eider.Cli.Tests.Commands;

public sealed class CommaListTests
{
    [Fact]
    public void Settings_follow_the_name()
    {
        var list = CommaList.Parse("--disk", "a.img,ro,serial=S1,queues=4", "ro", "serial", "queues");

        Assert.Equal("a.img", list.First);
        Assert.True(list.Flag("ro"));
        Assert.Equal("S1", list.Value("serial"));
        Assert.Equal(4, list.Number("queues", 1, 64));
    }

    [Theory]
    [InlineData("a,,b.img", "a,b.img")]
    [InlineData("a,,,,b.img", "a,,b.img")]
    [InlineData(",,", ",")]
    [InlineData("a,,b,ro", "a,b")]
    public void Two_commas_stand_for_one_in_a_name(string value, string name) =>
        Assert.Equal(name, CommaList.Parse("--disk", value, "ro").First);

    [Fact]
    public void Two_commas_stand_for_one_in_a_value_too() =>
        Assert.Equal("x,y", CommaList.Parse("--disk", "a,serial=x,,y", "serial").Value("serial"));

    [Theory]
    [InlineData("a.img,read-only")]
    [InlineData("a.img,ro,ro")]
    [InlineData("a.img,")]
    public void What_is_unknown_twice_or_empty_is_refused(string value)
    {
        var failure = Assert.Throws<CliException>(() => CommaList.Parse("--disk", value, "ro", "serial"));

        Assert.Equal(ExitCode.Usage, failure.ExitCode);
        Assert.Contains(value, failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Values_that_are_missing_or_out_of_range_are_refused_with_what_is_expected()
    {
        Assert.Contains("serial=", Refusal(list => list.Value("serial"), "a,serial"), StringComparison.Ordinal);
        Assert.Contains("1 to 64", Refusal(list => list.Number("queues", 1, 64), "a,queues=65"), StringComparison.Ordinal);
        Assert.Contains("1 to 64", Refusal(list => list.Number("queues", 1, 64), "a,queues=-1"), StringComparison.Ordinal);
        Assert.Contains("on or off", Refusal(list => list.Flag("ro"), "a,ro=perhaps"), StringComparison.Ordinal);
    }

    private static string Refusal(Func<CommaList, object?> read, string value) =>
        Assert.Throws<CliException>(() => read(CommaList.Parse("--disk", value, "ro", "serial", "queues"))).Message;
}
