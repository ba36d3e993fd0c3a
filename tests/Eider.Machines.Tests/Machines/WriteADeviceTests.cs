using Eider.Examples;
using Eider.Hardware.Bus;
using Eider.Machines.Fdt;
using Eider.Machines.Tests.Fdt;
using Eider.Testing;

namespace Eider.Machines.Tests.Machines;

/// <summary>What docs/write-a-device.md shows is what is compiled, and its device works on a machine.</summary>
public sealed class WriteADeviceTests : IDisposable
{
    private readonly string _program = Path.Combine(Path.GetTempPath(), $"eider-copy-{Guid.NewGuid():n}.elf");

    public void Dispose() => File.Delete(_program);

    [Fact]
    public void The_code_of_the_page_is_the_example_to_the_letter_and_under_150_lines()
    {
        var page = ProjectTree.Read("docs/write-a-device.md");
        var lines = 0;
        foreach (var file in new[] { "CopyEngine.cs", "CopyEngineTests.cs", "CopyEngineTarget.cs" })
        {
            var code = ProjectTree.Read($"examples/copy-engine/{file}");
            Assert.Contains($"<!-- examples/copy-engine/{file} -->\n```csharp\n{code}```", page, StringComparison.Ordinal);
            lines += code.Split('\n').Length - 1;
        }

        Assert.InRange(lines, 1, 149);
        const string Begin = "```csharp\nconfiguration.BoardDevices =";
        var settings = page[page.IndexOf(Begin, StringComparison.Ordinal)..].Split('\n').Skip(1).TakeWhile(line => line != "```");
        Assert.Contains(
            Unindented(settings), Unindented(ProjectTree.Read("tests/Eider.Machines.Tests/Machines/WriteADeviceTests.cs").Split('\n')), StringComparison.Ordinal);

        static string Unindented(IEnumerable<string> code) => string.Join('\n', code.Select(line => line.Trim()));
    }

    // The guest copies the first 64 bytes of its program, then prints the status and the PLIC's pending bits 56 to 63.
    [Theory]
    [InlineData(null)]
    [InlineData(1UL)]
    public async Task Its_device_copies_and_interrupts_on_a_machine(ulong? seed)
    {
        var program = new BareMetal();
        program.Lui(BareMetal.T0, 0x11000).Lui(BareMetal.T1, 0x80000);
        program.Emit(0x0203_1313).Emit(0x0203_5313); // slli and srli by 32: lui sign-extends
        program.Sd(BareMetal.T1, BareMetal.T0, CopyEngine.Source);
        program.Addi(BareMetal.T2, BareMetal.T1, 2047).Sd(BareMetal.T2, BareMetal.T0, CopyEngine.Destination);
        program.Addi(BareMetal.T2, BareMetal.Zero, 64).Sd(BareMetal.T2, BareMetal.T0, CopyEngine.Length);
        program.Addi(BareMetal.T2, BareMetal.Zero, CopyEngine.Start).Sb(BareMetal.T2, BareMetal.T0, CopyEngine.Status);
        program.Lui(BareMetal.T1, 0x10000).Lbu(BareMetal.A1, BareMetal.T0, CopyEngine.Status).Sb(BareMetal.A1, BareMetal.T1, 0);
        program.Lui(BareMetal.T0, 0x0C001).Emit(0x0042_A583).Emit(0x0185_D593).Sb(BareMetal.A1, BareMetal.T1, 0); // lw a1, 4(t0); srli by 24
        var configuration = Configure(program.Finish(0x5555));
        configuration.Seed = seed;
        await using var machine = await Machine.CreateAsync(configuration);
        var exit = await machine.RunAsync(TestContext.Current.CancellationToken)
            .WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);

        Assert.Equal((MachineExitReason.PoweredOff, null), (exit.Reason, exit.Fault));
        Assert.Equal([(char)CopyEngine.Done, (char)(1 << (60 - 56))], machine.Console.Transcript);
        var (from, to) = (new byte[64], new byte[64]);
        Assert.True(machine.Memory.TryRead(0x8000_0000, from) && machine.Memory.TryRead(0x8000_07FF, to));
        Assert.Equal(from, to);
    }

    [Fact]
    public async Task A_device_of_ones_own_is_refused_where_another_stands_and_closed_with_the_machine()
    {
        var configuration = Configure(new BareMetal().Finish(0x5555));
        var device = configuration.BoardDevices[0];
        await AssertRefusedAsync(device with { Address = 0x1000_0000 }, "$.boardDevices[0]: copy-engine (0x10000000 to 0x1000001f) overlaps serial");
        await AssertRefusedAsync(device with { Irq = 10 }, "$.boardDevices[0].irq: IRQ 10 of copy-engine is taken by serial");
        await AssertRefusedAsync(device with { Name = "a b" }, "$.boardDevices[0].name: found 'a b'");
        await AssertRefusedAsync(device with { SizeBytes = 0 }, "$.boardDevices[0].sizeBytes: found 0");
        await AssertRefusedAsync(device with { Make = _ => throw new ArgumentException("no ink") }, "$.boardDevices[0]: no ink");

        var closing = new Closing();
        configuration.BoardDevices = [device with { Make = _ => closing }];
        await (await Machine.CreateAsync(configuration)).DisposeAsync();
        Assert.True(closing.IsClosed);

        async Task AssertRefusedAsync(BoardDeviceConfiguration wrong, string start)
        {
            configuration.BoardDevices = [wrong];
            var error = await Assert.ThrowsAsync<MachineConfigurationException>(() => Machine.CreateAsync(configuration));
            Assert.StartsWith(start, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_device_tree_names_it()
    {
        var board = new BoardDescription
        {
            Ram = [(0x8000_0000, 1 << 20)],
            Harts = 1,
            IsaString = "rv64i",
            IsaExtensions = ["i"],
            MmuType = "riscv,sv39",
            CustomDevices = [("copy-engine", "eider,copy-engine", 0x1100_0000, CopyEngine.SizeBytes, 60), ("quiet", "eider,quiet", 0x1100_1000, 4, null)],
        };
        var root = FdtReader.Read(BoardDeviceTree.Build(board)).Root;
        var node = root["soc/copy-engine@11000000"];
        Assert.Equal(["eider,copy-engine"], node.Strings("compatible"));
        Assert.Equal([0x1100_0000UL, 0x20UL], node.Cells64("reg"));
        Assert.Equal([60U], node.Cells("interrupts"));
        Assert.Equal([0x1100_1000UL, 4UL], root["soc/quiet@11001000"].Cells64("reg"));
    }

    private MachineConfiguration Configure(BareMetal program)
    {
        File.WriteAllBytes(_program, program.ToElf());
        var configuration = new MachineConfiguration { Memory = "1M", Kernel = _program };
        configuration.BoardDevices =
        [
            new BoardDeviceConfiguration
            {
                Name = "copy-engine",
                Address = 0x1100_0000,
                SizeBytes = CopyEngine.SizeBytes,
                Irq = 60,
                Compatible = "eider,copy-engine",
                Make = services => new CopyEngine(services.Memory, services.Interrupt),
            },
        ];
        return configuration;
    }

    private sealed class Closing : IDeviceIo, IDisposable
    {
        public bool IsClosed { get; private set; }

        public void Dispose() => IsClosed = true;
    }
}
