using System.Text;
using Eider.Machines.Fdt;
using Eider.Machines.Tests.Fdt;
using Eider.Storage.Backends;
using Eider.Testing;

namespace Eider.Machines.Tests.Machines;

public sealed class BioMachineTests : IDisposable
{
    private readonly string _program = Path.Combine(Path.GetTempPath(), $"eider-bio-{Guid.NewGuid():n}.elf");

    public void Dispose() => File.Delete(_program);

    [Theory]
    [InlineData("\"bio\": [{ \"storages\": [{ \"image\": \"a\" }] }]", "vm.json:1: $.bio[0].storages[0].sid: found no sid, expected")]
    [InlineData("\"bio\": [{ \"storages\": [{ \"sid\": 1 }] }]", "vm.json:1: $.bio[0].storages[0].image: found neither an image nor a storage")]
    [InlineData(
        "\"bio\": [{ \"storages\": [{ \"sid\": 1, \"image\": \"a\" },\n { \"sid\": 1, \"image\": \"b\" }] }]",
        "vm.json:2: $.bio[0].storages[1].sid: found sid 1, which $.bio[0].storages[0] has already, expected an id of its own")]
    [InlineData(
        "\"bio\": [{ \"storages\": [{ \"sid\": 1, \"image\": \"a\" }] }, { \"storages\": [{ \"sid\": 1, \"image\": \"b\" }] }]",
        "vm.json:1: $.bio[1].storages[0].sid: found sid 1, which $.bio[0].storages[0] has already")]
    [InlineData(
        "\"bio\": [{ \"storages\": [{ \"sid\": -1, \"image\": \"a\" }] }]",
        "vm.json:1: $.bio[0].storages[0].sid: found another kind of value, or one out of range; expected a whole number from 0 on")]
    [InlineData(
        "\"bio\": [{ \"storages\": [{ \"sid\": 1, \"image\": \"a\", \"blockSize\": 1022 }] }]",
        "vm.json:1: $.bio[0].storages[0].blockSize: found blocks of 1022 bytes, expected a multiple of 4 from 4 to 65536")]
    [InlineData("\"bio\": [{ \"storages\": [null] }]", "vm.json:1: $.bio[0].storages[0]: found null")]
    [InlineData("\"bio\": [null]", "vm.json:1: $.bio[0]: found null")]
    [InlineData("\"bio\": [{ \"irq\": 5 }]", "vm.json:1: $.bio[0].irq: found IRQ 5 for a BIO that does not interrupt, expected none, or")]
    [InlineData("\"bio\": [{ \"interrupt\": true, \"irq\": 96 }]", "vm.json:1: $.bio[0].irq: found IRQ 96 for bio0, expected 1 to 95")]
    [InlineData("\"bio\": [{ \"interrupt\": true, \"irq\": 10 }]", "vm.json:1: $.bio[0].irq: IRQ 10 of bio0 is taken by serial")]
    [InlineData(
        "\"bio\": [{ }, {\n \"address\": \"0x8400\" }]",
        "vm.json:1: $.bio[1]: bio1 (0x8400 to 0x84ff) overlaps bio0 (0x8400 to 0x84ff), expected addresses of its own")]
    [InlineData("\"bio\": [{ \"address\": \"0x8480\" }]", "vm.json:1: $.bio[0].address: found address 0x8480 for bio0, expected a multiple of 256")]
    [InlineData(
        "\"bio\": [{ \"address\": \"0x400000000000\" }]",
        "vm.json:1: $.bio[0].address: found address 0x400000000000, expected one of 32 bits, as the hardware table tells it")]
    [InlineData("\"bio\": [{ \"address\": \"0x100\" }]", "vm.json:1: $.bio[0]: bio0 (0x100 to 0x1ff) overlaps hdt (0x0 to 0xfff)")]
    [InlineData(
        "\"disks\": [{ \"image\": \"a\" }], \"bio\": [{ \"storages\": [{ \"sid\": 1, \"image\": \"a\" }] }]",
        "vm.json:1: $.bio[0].storages[0].image: /vm/a is written by $.disks[0] already")]
    [InlineData("\"hdt\": { \"arguments\": [{ \"name\": \"x\" }] }", "vm.json:1: $.hdt.arguments[0]: found neither a text nor a number")]
    [InlineData(
        "\"hdt\": { \"arguments\": [{ \"name\": \"12345678901234\", \"number\": 1 }] }",
        "vm.json:1: $.hdt.arguments[0].name: found '12345678901234' of 14 characters, expected 1 to 13, printable ASCII")]
    [InlineData("\"hdt\": { \"arguments\": [{ \"name\": \"x\", \"text\": \"é\" }] }", "vm.json:1: $.hdt.arguments[0].text: found 'é'")]
    public void A_mistake_is_refused_with_one_line(string json, string start)
    {
        var text = Encoding.UTF8.GetBytes("{ \"kernel\": \"k\", " + json + " }");
        var error = Assert.Throws<MachineConfigurationException>(() => MachineFile.Parse(text, "vm.json", "/vm"));
        Assert.StartsWith(start, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public void More_storages_than_the_hardware_table_holds_are_refused()
    {
        var storages = string.Join(", ", Enumerable.Range(0, 53).Select(sid => $"{{ \"sid\": {sid}, \"image\": \"mem:1M\" }}"));
        var text = Encoding.UTF8.GetBytes($"{{ \"kernel\": \"k\", \"bio\": [{{ \"storages\": [{storages}] }}] }}");
        var error = Assert.Throws<MachineConfigurationException>(() => MachineFile.Parse(text, "vm.json", "/vm"));
        Assert.StartsWith("vm.json:1: $.bio: their hardware table takes 3904 bytes, expected at most 3840; ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_missing_is_refused_before_the_start()
    {
        var configuration = Configure(new BareMetal().Finish(0x5555));
        configuration.Bio = [new BioConfiguration { Storages = [new BioStorageConfiguration { Sid = 1, Image = "/nowhere/at.img" }] }];
        var error = await Assert.ThrowsAsync<MachineConfigurationException>(() => Machine.CreateAsync(configuration));
        Assert.Equal(MachineErrorKind.MissingInput, error.Kind);
        Assert.StartsWith("/nowhere/at.img: ", error.Message, StringComparison.Ordinal);
    }

    // The program reads block 1 of storage 7 to RAM and prints its first byte; the same by the port of the second BIO.
    [Theory]
    [InlineData(null)]
    [InlineData(1UL)]
    public async Task A_program_reads_blocks_through_two_devices(ulong? seed)
    {
        const int T3 = 28;
        var program = new BareMetal();
        program.Lui(BareMetal.T0, 8).Addi(BareMetal.T0, BareMetal.T0, 0x400); // 0x8400
        program.Lui(T3, 0x80010).Emit((32U << 20) | (T3 << 15) | (1 << 12) | (T3 << 7) | 0x13).Emit((32U << 20) | (T3 << 15) | (5 << 12) | (T3 << 7) | 0x13);
        Command(program, 7, T3, 0x24);
        program.Lbu(BareMetal.A1, T3, 0).Lui(BareMetal.T2, 0x10000).Sb(BareMetal.A1, BareMetal.T2, 0);
        program.Lui(BareMetal.T0, 8).Addi(BareMetal.T0, BareMetal.T0, 0x500); // 0x8500
        Command(program, 8, T3, 4);
        program.Lwu(BareMetal.A1, BareMetal.T0, 0x14).Sb(BareMetal.A1, BareMetal.T2, 0).Finish(0x5555);
        var configuration = Configure(program);
        configuration.Seed = seed;
        configuration.Bio = [Bio(7, 'A'), Bio(8, 'C')];
        await using var machine = await Machine.CreateAsync(configuration);
        var exit = await machine.RunAsync(TestContext.Current.CancellationToken)
            .WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.Equal((MachineExitReason.PoweredOff, null), (exit.Reason, exit.Fault));
        Assert.Equal("BD", machine.Console.Transcript);
        Assert.Equal(2, machine.Disks.Count);
        var statistics = machine.GetStatistics().Devices.Where(device => device.Name.StartsWith("bio", StringComparison.Ordinal));
        Assert.Equal([("bio0", 1024L), ("bio1", 1024L)], statistics.Select(device => (device.Name, device.ReadBytes)));
    }

    // The example of docs/devices/bio.md, word for word.
    [Fact]
    public async Task The_example_of_the_page_compiles_and_runs()
    {
        var page = ProjectTree.Read("docs/devices/bio.md");
        var own = ProjectTree.Read("tests/Eider.Machines.Tests/Machines/Screens.cs");
        Assert.Contains(own[own.IndexOf("internal sealed class", StringComparison.Ordinal)..].Trim(), page, StringComparison.Ordinal);

        var screens = new Screens(7);
        await screens.WriteBlocksAsync(1, 1, Enumerable.Repeat((byte)'S', 1024).ToArray(), TestContext.Current.CancellationToken);
        var program = new BareMetal();
        program.Lui(BareMetal.T0, 8).Addi(BareMetal.T0, BareMetal.T0, 0x400);
        Command(program, 7, BareMetal.Zero, 4);
        program.Lwu(BareMetal.A1, BareMetal.T0, 0x14).Lui(BareMetal.T2, 0x10000).Sb(BareMetal.A1, BareMetal.T2, 0).Finish(0x5555);
        var configuration = Configure(program);
        configuration.Bio = [new BioConfiguration { Storages = [new BioStorageConfiguration { Blocks = screens }] }];
        await using var machine = await Machine.CreateAsync(configuration);
        await machine.RunAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.Equal("S", machine.Console.Transcript);
    }

    [Fact]
    public void The_device_tree_names_the_table_the_devices_and_their_storages()
    {
        var board = new BoardDescription
        {
            Ram = [(0x8000_0000, 1 << 20)],
            Harts = 1,
            IsaString = "rv64i",
            IsaExtensions = ["i"],
            MmuType = "riscv,sv39",
            HasHardwareTable = true,
            BioDevices = [(0x8400, null, [0, 4]), (0x8500, 3, [9])],
            MappedFiles = [(0x2000_0000, 0x4100)],
        };
        var root = FdtReader.Read(BoardDeviceTree.Build(board)).Root;
        Assert.Equal(["ducky,hdt"], root["soc/rom@100"].Strings("compatible"));
        Assert.Equal([0x100UL, 0xF00], root["soc/rom@100"].Cells64("reg"));
        var (first, second) = (root["soc/bio@8400"], root["soc/bio@8500"]);
        Assert.Equal(["ducky,bio"], first.Strings("compatible"));
        Assert.Equal([0x8400UL, 0x100], first.Cells64("reg"));
        Assert.Equal([0U, 4], first.Cells("ducky,sids"));
        Assert.Equal([3U], second.Cells("interrupts"));
        Assert.False(first.Properties.ContainsKey("interrupts"));
        Assert.Equal([0x2000_0000UL, 0x4100], root["soc/mmap@20000000"].Cells64("reg"));
        Assert.Equal(["ducky,mmap"], root["soc/mmap@20000000"].Strings("compatible"));
    }

    [Fact]
    public void The_published_constants_are_the_boards()
    {
        Assert.Equal((0UL, 0x100UL), (BoardLayout.HardwareTablePageBase, BoardLayout.HardwareTableBase));
        Assert.Equal((0x8400UL, 2), (BoardLayout.BioBase, BoardLayout.BioFirstSource));
    }

    private static void Command(BareMetal program, int sid, int bufferRegister, int command)
    {
        program.Addi(BareMetal.T1, BareMetal.Zero, 0x40).Sw(BareMetal.T1, BareMetal.T0, 0);
        program.Addi(BareMetal.T1, BareMetal.Zero, sid).Sw(BareMetal.T1, BareMetal.T0, 4);
        program.Addi(BareMetal.T1, BareMetal.Zero, 1).Sw(BareMetal.T1, BareMetal.T0, 8).Sw(BareMetal.T1, BareMetal.T0, 12);
        program.Sw(bufferRegister, BareMetal.T0, 16);
        program.Addi(BareMetal.T1, BareMetal.Zero, command).Sw(BareMetal.T1, BareMetal.T0, 0);
    }

    private static BioConfiguration Bio(uint sid, char first)
    {
        var storage = new MemoryStorage(4096 + 100);
        var bytes = new byte[2048];
        bytes.AsSpan(0, 1024).Fill((byte)first);
        bytes.AsSpan(1024).Fill((byte)(first + 1));
        storage.WriteAsync(0, bytes).AsTask().GetAwaiter().GetResult();
        return new BioConfiguration { Storages = [new BioStorageConfiguration { Sid = sid, Storage = storage }] };
    }

    private MachineConfiguration Configure(BareMetal program)
    {
        File.WriteAllBytes(_program, program.ToElf());
        return new MachineConfiguration { Memory = "16M", Kernel = _program };
    }
}
