using System.Text;
using Eider.Machines.Fdt;
using Eider.Machines.Tests.Fdt;
using Eider.Storage.Backends;
using Eider.Storage.Formats;

namespace Eider.Machines.Tests.Machines;

public sealed class IdeMachineTests : IDisposable
{
    private readonly string _program = Path.Combine(Path.GetTempPath(), $"eider-ide-{Guid.NewGuid():n}.elf");

    public void Dispose() => File.Delete(_program);

    [Theory]
    [InlineData(
        "\"ide\": [{ \"primary\": [{ \"image\": \"a\" }, { \"image\": \"b\" },\n { \"image\": \"c\" }] }]",
        "vm.json:2: $.ide[0].primary[2]: found 3 devices on a channel, expected at most 2")]
    [InlineData(
        "\"ide\": [{ \"controller\": \"ahci\" }]",
        "vm.json:1: $.ide[0].controller: found another kind of value, or one out of range; expected \"cmd646\" or \"ata-generic\"")]
    [InlineData(
        "\"ide\": [{ \"primary\": [{ \"type\": \"tape\" }] }]",
        "vm.json:1: $.ide[0].primary[0].type: found another kind of value, or one out of range; expected \"disk\" or \"cdrom\"")]
    [InlineData("\"ide\": [{ \"primary\": [{ }] }]", "vm.json:1: $.ide[0].primary[0].image: found neither an image nor a storage")]
    [InlineData("\"ide\": [{ \"primary\": [null] }]", "vm.json:1: $.ide[0].primary[0]: found null")]
    [InlineData(
        "\"ide\": [{ \"controller\": \"ata-generic\", \"secondary\": [{ \"image\": \"a\" }] }]",
        "vm.json:1: $.ide[0].secondary: found 1 devices, expected none")]
    [InlineData("\"ide\": [{ \"controller\": \"ata-generic\", \"registerShift\": 4 }]", "vm.json:1: $.ide[0].registerShift: found 4, expected 0 to 3")]
    [InlineData("\"ide\": [{ \"controller\": \"ata-generic\", \"slot\": 4 }]", "vm.json:1: $.ide[0].slot: ")]
    [InlineData("\"ide\": [{ \"irq\": 4 }]", "vm.json:1: $.ide[0].irq: a cmd646 stands on the PCI bus")]
    [InlineData(
        "\"ide\": [{ \"primary\": [{ \"image\": \"a\", \"serial\": \"123456789012345678901\" }] }]",
        "vm.json:1: $.ide[0].primary[0].serial: found serial")]
    [InlineData(
        "\"ide\": [{ \"primary\": [{ \"type\": \"cdrom\", \"serial\": \"é\\n\" }] }]",
        "vm.json:1: $.ide[0].primary[0].serial: found serial")]
    [InlineData(
        "\"disks\": [{ \"image\": \"a\", \"transport\": \"pci\" }]",
        "vm.json:1: $.disks[0].transport: found another kind of value, or one out of range; expected \"virtio-mmio\" or \"virtio-pci\"")]
    [InlineData(
        "\"ide\": [{ \"controller\": \"ata-generic\" }, { \"controller\": \"ata-generic\",\n \"address\": \"0x10010000\" }]",
        "vm.json:1: $.ide[1]: ide1 (0x10010000 to 0x10010fff) overlaps ide0")]
    [InlineData(
        "\"ide\": [{ \"slot\": 3 },\n { \"slot\": 3 }]",
        "vm.json:2: $.ide[1].slot: device number 3 of ide1 on the PCI bus is taken by ide0")]
    [InlineData(
        "\"disks\": [{ \"image\": \"a\" }], \"ide\": [{ \"primary\": [{ \"image\": \"a\" }] }]",
        "vm.json:1: $.ide[0].primary[0].image: /vm/a is written by $.disks[0] already")]
    [InlineData(
        "\"ide\": [{ \"primary\": [{ \"image\": \"a\",\n \"discs\": [{ \"image\": \"b\" }] }] }]",
        "vm.json:2: $.ide[0].primary[0].discs: found 1 further discs of a disk, expected none")]
    [InlineData(
        "\"ide\": [{ \"primary\": [{ \"type\": \"cdrom\", \"discs\": [{ }] }] }]",
        "vm.json:1: $.ide[0].primary[0].discs[0].image: found neither an image nor a storage")]
    [InlineData("\"ide\": [{ \"primary\": [{ \"type\": \"cdrom\", \"discs\": [null] }] }]", "vm.json:1: $.ide[0].primary[0].discs[0]: found null")]
    [InlineData(
        "\"ide\": [{ \"primary\": [{ \"type\": \"cdrom\", \"discs\": [{ \"image\": \"b\", \"format\": \"iso\" }] }] }]",
        "vm.json:1: $.ide[0].primary[0].discs[0].format: found 'iso', expected 'raw' or 'qcow2' or 'luks'")]
    [InlineData("\"ide\": [{ \"primary\": [{ \"image\": \"a\", \"layers\": [\"none\"] }] }]", "vm.json:1: $.ide[0].primary[0].layers[0]: ")]
    public void A_mistake_is_refused_with_one_line(string json, string start)
    {
        var text = Encoding.UTF8.GetBytes("{ \"kernel\": \"k\", " + json + " }");
        var error = Assert.Throws<MachineConfigurationException>(() => MachineFile.Parse(text, "vm.json", "/vm"));
        Assert.StartsWith(start, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public async Task A_CD_image_on_a_disk_is_refused()
    {
        var image = Path.GetTempFileName();
        try
        {
            var content = new byte[64 << 10];
            "\u0001CD001"u8.CopyTo(content.AsSpan(16 * 2048));
            await File.WriteAllBytesAsync(image, content, TestContext.Current.CancellationToken);
            var configuration = Configure(new BareMetal().Finish(0x5555));
            configuration.Ide = [new IdeConfiguration { Primary = [new IdeDeviceConfiguration { Image = image }] }];
            var error = await Assert.ThrowsAsync<MachineConfigurationException>(() => Machine.CreateAsync(configuration));
            Assert.Contains("found a CD image (ISO 9660) on a disk", error.Message, StringComparison.Ordinal);
            Assert.StartsWith(image, error.Message, StringComparison.Ordinal);
            configuration.Ide[0].Primary[0].Type = IdeDeviceKind.Cdrom;
            await using var machine = await Machine.CreateAsync(configuration);
            Assert.NotNull(machine.IdeChannels[0].Tray(0)!.Medium);
        }
        finally
        {
            File.Delete(image);
        }
    }

    [Fact]
    public void Paths_of_a_drive_start_from_the_files_directory()
    {
        var json = """
            { "kernel": "k", "ide": [{ "primary": [{ "image": "a", "format": "qcow2", "chain": "images", "keyFile": "key", "layers": ["trace:file=t.log"] }],
              "secondary": [{ "type": "cdrom", "image": "one.iso", "discs": [{ "image": "two.qcow2", "format": "qcow2", "chain": "images" }] }] }] }
            """u8;
        var ide = MachineFile.Parse(json, "vm.json", "/vm").Ide[0];
        var (disk, drive) = (ide.Primary[0], ide.Secondary[0]);
        Assert.Equal(("/vm/a", "/vm/images", "/vm/key", "trace:file=/vm/t.log"), (disk.Image, disk.Chain, disk.KeyFile, disk.Layers[0]));
        Assert.Equal(("/vm/one.iso", "/vm/two.qcow2", "/vm/images"), (drive.Image, drive.Discs[0].Image, drive.Discs[0].Chain));
    }

    [Fact]
    public async Task A_drive_changes_through_its_discs_of_any_format()
    {
        var folder = Directory.CreateTempSubdirectory("eider-discs-");
        try
        {
            var second = Path.Combine(folder.FullName, "two.qcow2");
            await using (var file = FileStorage.Create(second, 0))
            {
                await ImageFormats.Qcow2.CreateAsync(file, new ImageCreateOptions { SizeBytes = 4 << 20 });
            }

            var configuration = Configure(new BareMetal().Finish(0x5555));
            var drive = new IdeDeviceConfiguration
            {
                Type = IdeDeviceKind.Cdrom,
                Storage = new MemoryStorage(1 << 20),
                Discs = [new IdeDiscConfiguration { Image = second, Format = "qcow2" }, new IdeDiscConfiguration { Image = "mem:2M" }],
            };
            configuration.Ide =
            [
                new IdeConfiguration { Secondary = [drive] },
                new IdeConfiguration { Controller = IdeControllerKind.AtaGeneric, Primary = [new IdeDeviceConfiguration { Type = IdeDeviceKind.Cdrom }] },
            ];
            await using var machine = await Machine.CreateAsync(configuration);
            Assert.Equal(["ide0.1.0", "ide1.0.0"], machine.CdDrives.Select(each => each.Name));
            var changed = new List<long>();
            for (var i = 0; i < 4; i++)
            {
                changed.Add((await machine.CdDrives[0].ChangeAsync())!.SizeBytes);
                Assert.Same(machine.CdDrives[0].Tray.Medium, machine.CdDrives[0].Discs[(i + 1) % 3]);
            }

            Assert.Equal([4 << 20, 2 << 20, 1 << 20, 4 << 20], changed);
            Assert.Null(await machine.CdDrives[1].ChangeAsync()); // nothing to put in
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    // The program prints what it reads as Status: P for a disk that is ready, a blank for a drive.
    [Fact]
    public async Task A_program_finds_a_channel_in_memory_where_the_device_tree_says()
    {
        var program = new BareMetal();
        program.Lui(BareMetal.T0, 0x10010).Lbu(BareMetal.A1, BareMetal.T0, 7 << 2);
        program.Lui(BareMetal.T0, 0x10000).Sb(BareMetal.A1, BareMetal.T0, 0).Finish(0x5555);
        var configuration = Configure(program);
        configuration.Ide =
        [
            new IdeConfiguration
            {
                Controller = IdeControllerKind.AtaGeneric,
                RegisterShift = 2,
                Primary = [new IdeDeviceConfiguration { Storage = new MemoryStorage(1 << 20) }, new IdeDeviceConfiguration { Type = IdeDeviceKind.Cdrom }],
            },
            new IdeConfiguration { Primary = [new IdeDeviceConfiguration { Image = "mem:1M" }] },
        ];
        await using var machine = await Machine.CreateAsync(configuration);
        var exit = await machine.RunAsync(TestContext.Current.CancellationToken)
            .WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.Equal((MachineExitReason.PoweredOff, null), (exit.Reason, exit.Fault));
        Assert.Equal("P", machine.Console.Transcript);
        Assert.Equal((3, 2), (machine.IdeChannels.Count, machine.Disks.Count));
        var devices = machine.GetStatistics().Devices.Select(device => device.Name).ToList();
        Assert.Equal(["ide0.0.0", "ide0.0.1", "ide1.0.0"], devices.Where(name => name.StartsWith("ide", StringComparison.Ordinal)));
    }

    // What pata_of_platform reads: command block, control block, reg-shift, pio-mode.
    [Fact]
    public void A_channel_in_memory_is_told_as_ata_generic()
    {
        var board = new BoardDescription
        {
            Ram = [(0x8000_0000, 1 << 20)],
            Harts = 1,
            IsaString = "rv64i",
            IsaExtensions = ["i"],
            MmuType = "riscv,sv39",
            IdeChannels = [(0x1001_0000, 14, 2)],
        };
        var root = FdtReader.Read(BoardDeviceTree.Build(board)).Root;
        var ide = root["soc/ide@10010000"];
        Assert.Equal(["ata-generic"], ide.Strings("compatible"));
        Assert.Equal([0x1001_0000UL, 32, 0x1001_0800, 4], ide.Cells64("reg"));
        Assert.Equal((2U, 4U, 14U), (ide.Cells("reg-shift")[0], ide.Cells("pio-mode")[0], ide.Cells("interrupts")[0]));
    }

    private MachineConfiguration Configure(BareMetal program)
    {
        File.WriteAllBytes(_program, program.ToElf());
        return new MachineConfiguration { Memory = "16M", Kernel = _program };
    }
}
