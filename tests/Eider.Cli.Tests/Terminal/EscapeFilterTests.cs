using System.Text;
using Eider.Cli.Terminal;

namespace Eider.Cli.Tests.Terminal;

public sealed class EscapeFilterTests
{
    [Theory]
    [InlineData("ls\r", "ls\r", false)]
    [InlineData("ab\u0001xcd", "ab", true)]
    [InlineData("ab\u0001X", "ab", true)]
    [InlineData("\u0001a", "\u0001", false)]
    [InlineData("\u0001\u0001", "\u0001", false)]
    [InlineData("\u0001qz", "qz", false)]
    [InlineData("\u0003\u0004\u001a", "\u0003\u0004\u001a", false)]
    public void Ctrl_A_X_leaves_and_every_other_key_goes_to_the_guest(string typed, string forGuest, bool leaves)
    {
        // The keys may come in any pieces.
        for (var cut = 0; cut <= typed.Length; cut++)
        {
            var filter = new EscapeFilter();
            var got = Filter(filter, typed[..cut]) + Filter(filter, typed[cut..]);

            Assert.Equal(forGuest, got);
            Assert.Equal(leaves, filter.IsLeaving);
        }
    }

    [Theory]
    [InlineData("a\u0001cb\u0001C", "ab", "ChangeDisc ChangeDisc")]
    [InlineData("\u0001h\u0001?\u0001x", "", "Help Help")]
    [InlineData("ch", "ch", "")]
    public void Ctrl_A_C_and_H_are_for_Eider(string typed, string forGuest, string commands)
    {
        for (var cut = 0; cut <= typed.Length; cut++)
        {
            var filter = new EscapeFilter();
            var got = Filter(filter, typed[..cut]) + Filter(filter, typed[cut..]);

            Assert.Equal((forGuest, commands), (got, string.Join(' ', filter.Commands)));
        }
    }

    private static string Filter(EscapeFilter filter, string typed)
    {
        var keys = Encoding.ASCII.GetBytes(typed);
        return Encoding.ASCII.GetString(keys, 0, filter.Filter(keys));
    }
}
