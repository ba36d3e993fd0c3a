using Eider.Machines.Building;

namespace Eider.Machines.Tests.Building;

/// <summary>How much memory a machine may be given.</summary>
public sealed class MemoryTests
{
    private const long GiB = 1L << 30;

    [Fact]
    public void Many_times_the_memory_of_the_host_is_refused_in_one_line()
    {
        var error = Assert.Throws<MachineConfigurationException>(() => MachineBuilder.CheckMemory(new ByteSize(900 * GiB), 24 * GiB));

        Assert.Equal(MachineErrorKind.NotEnoughMemory, error.Kind);
        Assert.Equal("$.memory: found 900G, expected at most 4 times the 24576M that this host has; give the machine less", error.Message);
    }

    [Theory]
    [InlineData(24)]
    [InlineData(96)]
    public void More_than_the_host_has_may_be_given_since_it_costs_what_is_touched(long gibibytes) =>
        MachineBuilder.CheckMemory(new ByteSize(gibibytes * GiB), 24 * GiB);
}
