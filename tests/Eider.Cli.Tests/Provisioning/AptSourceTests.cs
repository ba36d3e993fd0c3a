using Eider.Cli.Errors;
using Eider.Cli.Provisioning;

namespace Eider.Cli.Tests.Provisioning;

public sealed class AptSourceTests
{
    [Fact]
    public void One_line_sources_are_read_with_their_options()
    {
        var source = Assert.Single(AptSource.ParseOneLine(
            "# comment\ndeb-src http://a/debian trixie main\n"
            + "deb [arch=amd64 signed-by=/k/debian.gpg] http://b/debian bookworm main contrib # tail\n"));

        Assert.Equal("http://b/debian", source.Uri);
        Assert.Equal(["bookworm"], source.Suites);
        Assert.Equal(["main", "contrib"], source.Components);
        Assert.Equal("/k/debian.gpg", source.Keyring);
    }

    [Fact]
    public void Stanzas_are_read_and_disabled_ones_left_out()
    {
        const string Text = """
            Types: deb deb-src
            # a comment
            URIs: http://a/debian
             http://b/debian
            Suites: bookworm bookworm-updates
            Components: main
            Signed-By: /k/debian.gpg

            Types: deb
            URIs: http://off/debian
            Suites: trixie
            Components: main
            Enabled: no
            """;

        var sources = AptSource.ParseDeb822(Text).ToList();

        Assert.Equal(["http://a/debian", "http://b/debian"], sources.Select(source => source.Uri));
        Assert.All(sources, source => Assert.Equal(["bookworm", "bookworm-updates"], source.Suites));
    }

    [Fact]
    public void A_key_inside_the_file_is_not_mistaken_for_a_keyring()
    {
        var source = Assert.Single(AptSource.ParseDeb822(
            "Types: deb\nURIs: http://a/d\nSuites: sid\nComponents: main\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n"));

        Assert.Equal("/usr/share/keyrings/debian-archive-keyring.gpg", source.Keyring);
    }

    [Fact]
    public void The_machine_s_mirror_is_the_one_that_carries_the_archive_not_the_security_updates()
    {
        using var apt = new TemporaryFolder();
        Directory.CreateDirectory(apt.At("sources.list.d"));
        File.WriteAllText(apt.At("sources.list"), "deb http://security/debian-security bookworm-security main\n");
        File.WriteAllText(apt.At("sources.list.d/other.list"), "deb http://other/apt stable-tools main\n");
        File.WriteAllText(apt.At("sources.list.d/z.sources"), "Types: deb\nURIs: http://m/debian\nSuites: bookworm\nComponents: main\n");
        File.WriteAllText(apt.At("sources.list.d/z.sources.disabled"), "Types: deb\nURIs: http://no/\nSuites: sid\nComponents: main\n");

        Assert.Equal("http://m/debian", AptSource.OfMachine(apt.Path).Uri);
    }

    [Fact]
    public void A_machine_without_a_mirror_is_told_what_to_do()
    {
        using var apt = new TemporaryFolder();
        File.WriteAllText(apt.At("sources.list"), "deb http://security/debian-security bookworm-security main\n");

        var failure = Assert.Throws<CliException>(() => AptSource.OfMachine(apt.Path));

        Assert.Equal(ExitCode.Unavailable, failure.ExitCode);
        Assert.Contains(apt.Path, failure.Message, StringComparison.Ordinal);
        Assert.Contains("--kernel", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ID=debian\nVERSION_ID=\"12\"\n")]
    [InlineData("ID=debian\nVERSION_ID=\"13\"\n")]
    [InlineData("ID=debian\nPRETTY_NAME=\"Debian GNU/Linux forky/sid\"\n")]
    public void Debian_12_and_later_is_accepted(string osRelease) => DebianRelease.Require(osRelease);

    [Theory]
    [InlineData("ID=debian\nVERSION_ID=\"11\"\nPRETTY_NAME=\"Debian GNU/Linux 11 (bullseye)\"\n", "Debian GNU/Linux 11 (bullseye)")]
    [InlineData("ID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"24.04\"\nPRETTY_NAME=\"Ubuntu 24.04\"\n", "Ubuntu 24.04")]
    [InlineData(null, "this system")]
    public void Elsewhere_one_line_says_which_options_to_pass(string? osRelease, string found)
    {
        var failure = Assert.Throws<CliException>(() => DebianRelease.Require(osRelease));

        Assert.Equal(ExitCode.Unavailable, failure.ExitCode);
        Assert.Contains(found, failure.Message, StringComparison.Ordinal);
        Assert.Contains("--kernel", failure.Message, StringComparison.Ordinal);
        Assert.Contains("--initrd", failure.Message, StringComparison.Ordinal);
        Assert.Contains("--disk", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', failure.Message);
    }
}
