using System.Text;
using Eider.Cli.Errors;
using Eider.Cli.Provisioning;

namespace Eider.Cli.Tests.Provisioning;

public sealed class BusyboxAppletsTests
{
    private const string Table =
        "[\0[[\0awk\0busybox\0dd\0head\0insmod\0mount\0poweroff\0readlink\0setsid\0sh\0sha256sum\0switch_root\0";

    [Fact]
    public void The_table_of_names_is_found_and_ends_where_it_stops_being_sorted()
    {
        var names = BusyboxApplets.Read(Encoding.ASCII.GetBytes("\u0001junk" + Table + "apple\0more"));

        Assert.Equal("[", names[0]);
        Assert.Equal("switch_root", names[^1]);
        Assert.Equal(14, names.Count);
    }

    [Fact]
    public void A_program_that_the_guest_promises_must_be_there()
    {
        var failure = Assert.Throws<CliException>(
            () => BusyboxApplets.Read(Encoding.ASCII.GetBytes(Table.Replace("insmod\0", "", StringComparison.Ordinal))));

        Assert.Contains("insmod", failure.Message, StringComparison.Ordinal);
    }
}
