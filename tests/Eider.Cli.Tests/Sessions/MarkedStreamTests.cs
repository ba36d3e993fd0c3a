using System.Text;
using Eider.Cli.Sessions;

namespace Eider.Cli.Tests.Sessions;

public sealed class MarkedStreamTests
{
    [Theory]
    [InlineData("hello\nMARK", "hello\n", true)]
    [InlineData("MARK", "", true)]
    [InlineData("MMAMARMARKrest", "MMAMAR", true)]
    [InlineData("no end", "no end", false)]
    [InlineData("almost MAR", "almost MAR", false)]
    public async Task What_stands_before_the_mark_comes_out_however_it_is_cut(string written, string expected, bool ended)
    {
        var token = TestContext.Current.CancellationToken;
        for (var size = 1; size <= written.Length; size++)
        {
            var output = new MemoryStream();
            var stream = new MarkedStream("MARK"u8.ToArray(), output);
            foreach (var piece in Encoding.ASCII.GetBytes(written).Chunk(size))
            {
                await stream.WriteAsync(piece, token);
            }

            Assert.Equal(ended, stream.IsEnded);
            await stream.EndAsync(token);
            Assert.Equal(expected, Encoding.ASCII.GetString(output.ToArray()));
        }
    }

    [Fact]
    public async Task What_cannot_begin_the_mark_is_not_held_back()
    {
        var output = new MemoryStream();
        await new MarkedStream("MARK"u8.ToArray(), output).WriteAsync("prompt$ "u8.ToArray(), TestContext.Current.CancellationToken);

        Assert.Equal("prompt$ ", Encoding.ASCII.GetString(output.ToArray()));
    }
}
