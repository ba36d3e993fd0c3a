using System.Text;
using Eider.Machines.Fdt;
using Eider.Machines.Tests.Fdt;
using Eider.Storage.Backends;

namespace Eider.Machines.Tests.Machines;

/// <summary>Simple VirtIO Block in a machine: how it is described, where it stands, what is refused.</summary>
public sealed class SvirtbMachineTests : IDisposable
{
    private readonly string _program = Path.Combine(Path.GetTempPath(), $"eider-svirtb-{Guid.NewGuid():n}.elf");

    public void Dispose() => File.Delete(_program);

    [Theory]
    [InlineData("\"svirtb\": [{ }]", "vm.json:1: $.svirtb[0].image: found neither an image nor a storage")]
    [InlineData("\"svirtb\": [null]", "vm.json:1: $.svirtb[0]: found null")]
    [InlineData("\"svirtb\": [{ \"image\": \"a\", \"stride\": 30 }]", "vm.json:1: $.svirtb[0].stride: found 30, expected 32 or 28")]
    [InlineData("\"svirtb\": [{ \"image\": \"a\", \"format\": \"vmdk\" }]", "vm.json:1: $.svirtb[0].format: found 'vmdk', expected 'raw' or 'qcow2'")]
    [InlineData("\"svirtb\": [{ \"image\": \"a\", \"queues\": 2 }]", "vm.json:1: $.svirtb[0].queues: unknown property 'queues'")]
    [InlineData(
        "\"svirtb\": [{ \"image\": \"a\" },\n { \"image\": \"b\", \"address\": \"0xCAFE0000\" }]",
        "vm.json:2: $.svirtb[1]: svirtb1 (0xcafe0000 to 0xcafe0fff) overlaps svirtb0 (0xcafe0000 to 0xcafe0fff)")]
    [InlineData("\"svirtb\": [{ \"image\": \"a\", \"address\": \"0xCAFE0010\" }]", "vm.json:1: $.svirtb[0].address: found address 0xcafe0010")]
    [InlineData("\"svirtb\": [{ \"image\": \"a\", \"address\": \"0x90000000\" }]", "vm.json:1: $.svirtb[0]")]
    [InlineData(
        "\"svirtb\": [{ \"image\": \"a\" }], \"rng\": { \"address\": \"0xCAFE0000\" }",
        "vm.json:1: $.rng: rng (0xcafe0000 to 0xcafe0fff) overlaps svirtb0")]
    [InlineData(
        "\"disks\": [{ \"image\": \"a\" }], \"svirtb\": [{ \"image\": \"a\" }]",
        "vm.json:1: $.svirtb[0].image: /vm/a is written by $.disks[0] already")]
    public void A_mistake_is_refused_with_one_line(string json, string start)
    {
        var text = Encoding.UTF8.GetBytes("{ \"kernel\": \"k\", " + json + " }");
        var error = Assert.Throws<MachineConfigurationException>(() => MachineFile.Parse(text, "vm.json", "/vm"));
        Assert.StartsWith(start, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public async Task An_image_that_is_missing_is_refused_before_anything_runs()
    {
        var configuration = Configure(new BareMetal().Finish(0x5555));
        configuration.Svirtb = [new SvirtbConfiguration { Image = "/nowhere/disk_file" }];
        var error = await Assert.ThrowsAsync<MachineConfigurationException>(() => Machine.CreateAsync(configuration));
        Assert.Equal(MachineErrorKind.MissingInput, error.Kind);
        Assert.StartsWith("/nowhere/disk_file: ", error.Message, StringComparison.Ordinal);
    }

    // The program prints the first byte of the magic of both devices.
    [Fact]
    public async Task Devices_over_images_of_odd_size_stand_page_by_page_and_are_counted()
    {
        var program = new BareMetal();
        program.Lui(BareMetal.T1, 0x10000);
        foreach (var page in new uint[] { 0xCAFE0, 0xCAFE1 })
        {
            // lui sign-extends: slli and srli by 32 clear the upper half.
            program.Lui(BareMetal.T0, page).Emit(0x0202_9293).Emit(0x0202_D293).Lbu(BareMetal.A1, BareMetal.T0, 0).Sb(BareMetal.A1, BareMetal.T1, 0);
        }

        var configuration = Configure(program.Finish(0x5555));
        configuration.Svirtb = [new SvirtbConfiguration { Image = "mem:1074" }, new SvirtbConfiguration { Storage = new MemoryStorage(1) }];
        await using var machine = await Machine.CreateAsync(configuration);
        var exit = await machine.RunAsync(TestContext.Current.CancellationToken)
            .WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.Equal((MachineExitReason.PoweredOff, null), (exit.Reason, exit.Fault));
        Assert.Equal("vv", machine.Console.Transcript);
        Assert.Equal([1074, 1], machine.Disks.Select(disk => (int)disk.SizeBytes));
        Assert.Equal(
            ["svirtb0", "svirtb1"],
            machine.GetStatistics().Devices.Select(device => device.Name).Where(name => name.StartsWith("svirtb", StringComparison.Ordinal)));
    }

    [Fact]
    public void The_device_tree_tells_address_and_stride()
    {
        var board = new BoardDescription
        {
            Ram = [(0x8000_0000, 1 << 20)],
            Harts = 1,
            IsaString = "rv64i",
            IsaExtensions = ["i"],
            MmuType = "riscv,sv39",
            SvirtbDevices = [(BoardLayout.SvirtbBase, 32), (BoardLayout.SvirtbBase + 0x1000, 28)],
        };
        var root = FdtReader.Read(BoardDeviceTree.Build(board)).Root;
        var first = root["soc/svirtb@cafe0000"];
        Assert.Equal(["keos,svirtb"], first.Strings("compatible"));
        Assert.Equal([0xCAFE_0000UL, 0x1000UL], first.Cells64("reg"));
        Assert.Equal([32U], first.Cells("entry-stride"));
        Assert.Equal([28U], root["soc/svirtb@cafe1000"].Cells("entry-stride"));
    }

    private MachineConfiguration Configure(BareMetal program)
    {
        File.WriteAllBytes(_program, program.ToElf());
        return new MachineConfiguration { Memory = "1M", Kernel = _program };
    }
}
