using Eider.Machines.Tests.Machines;

namespace Eider.Machines.Tests.Predecessors;

/// <summary>Test cases and faults of hype's machine that no other test holds; docs/predecessors.md lists them all.</summary>
public sealed class HypeMachineTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _directory = Directory.CreateTempSubdirectory("eider-hype").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData(4095)]
    [InlineData(4097)]
    [InlineData((1L << 20) - 4096)]
    [InlineData((1L << 40) + 4096)]
    public async Task Memory_that_is_no_whole_number_of_pages_or_out_of_bounds_is_refused(long bytes)
    {
        var configuration = Configure(new BareMetal().Jump(0));
        configuration.Memory = new ByteSize(bytes);
        var error = await Assert.ThrowsAsync<MachineConfigurationException>(() => Machine.CreateAsync(configuration));
        Assert.StartsWith("$.memory: found ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_machine_without_a_program_is_refused() =>
        await Assert.ThrowsAsync<MachineConfigurationException>(() => Machine.CreateAsync(new MachineConfiguration { Memory = "4M" }));

    [Fact]
    public async Task A_program_that_cannot_be_loaded_is_refused_and_leaves_nothing_open()
    {
        var disk = Path.Combine(_directory, "disk.img");
        await File.WriteAllBytesAsync(disk, new byte[4096], TestContext.Current.CancellationToken);
        var configuration = Configure(new BareMetal().Jump(0));
        configuration.Disks = [disk];
        await File.WriteAllTextAsync(configuration.Kernel!, "no program", TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<MachineConfigurationException>(() => Machine.CreateAsync(configuration));
        await using var reopened = Storage.Backends.FileStorage.Open(disk);
    }

    // 1 MiB, all of the lower region, a page more, 3.25 GiB and a page more, 4 GiB, 1 TiB.
    [Theory]
    [InlineData(1L << 20)]
    [InlineData(1L << 30)]
    [InlineData((1L << 30) + 4096)]
    [InlineData(0xD000_0000L)]
    [InlineData(0xD000_1000L)]
    [InlineData(1L << 32)]
    [InlineData(1L << 40)]
    public void RAM_leaves_device_space_out_and_goes_on_at_4_GiB(long bytes)
    {
        var regions = BoardLayout.RamRegions(bytes);
        Assert.Equal((ulong)bytes, regions.Aggregate(0UL, (sum, region) => sum + region.SizeBytes));
        Assert.Equal(0x8000_0000UL, regions[0].Base);
        Assert.InRange(regions[0].Base + regions[0].SizeBytes, 0x8000_0001UL, 0xC000_0000UL);
        Assert.All(regions.Skip(1), region => Assert.Equal(0x1_0000_0000UL, region.Base));
        Assert.Equal(bytes > 1L << 30 ? 2 : 1, regions.Length);
    }

    // There, each of these ended the program that ran the machine.
    [Fact]
    public async Task A_guest_that_misuses_the_registers_of_a_device_goes_on()
    {
        var program = new BareMetal();
        program.Lui(BareMetal.T1, 0xD0000).Emit(0x0203_1313).Emit(0x0203_5313); // slot 0; slli and srli t1, t1, 32 undo the sign
        program.Addi(BareMetal.A1, BareMetal.Zero, -1);
        foreach (var offset in new[] { 0x00, 0x08, 0x0C, 0x30, 0x44, 0x50, 0x60, 0x64, 0x70, 0xFC, 0x100, 0x148, 0x7FC })
        {
            program.Sw(BareMetal.A1, BareMetal.T1, offset).Sb(BareMetal.A1, BareMetal.T1, offset + 1)
                .Lbu(BareMetal.A0, BareMetal.T1, offset).Ld(BareMetal.A0, BareMetal.T1, offset & ~7);
        }

        var configuration = Configure(program.Print("alive").Finish(0x5555));
        configuration.Disks = ["mem:1M"];
        await using var machine = await Machine.CreateAsync(configuration);
        var exit = await machine.RunAsync(TestContext.Current.CancellationToken).WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.Equal((MachineExitReason.PoweredOff, null), (exit.Reason, exit.Fault));
        Assert.Equal("alive", machine.Console.Transcript);
    }

    private MachineConfiguration Configure(BareMetal program)
    {
        var path = Path.Combine(_directory, "program.elf");
        File.WriteAllBytes(path, program.ToElf());
        return new MachineConfiguration { Memory = "4M", Kernel = path };
    }
}
