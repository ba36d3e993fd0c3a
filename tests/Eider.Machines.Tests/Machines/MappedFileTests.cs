using System.Text;

namespace Eider.Machines.Tests.Machines;

/// <summary>Mapped files; the first two are the cases of ducky's tests/storage/mmap.py.</summary>
public sealed class MappedFileTests : IDisposable
{
    private const int T3 = 28;
    private const int MessageBytes = 64;
    private const ulong Buffer = 0x8001_0000;

    private readonly string _folder = Directory.CreateTempSubdirectory("eider-mmap-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // Whole pages are RAM; the other part of the file is reached access by access.
    [Theory]
    [InlineData(0, "r", false)]
    [InlineData(0, "rw", true)]
    [InlineData(256, "r", false)]
    [InlineData(256, "rw", true)]
    public async Task Mmap_read_gives_the_message_and_nothing_beside_it(int offset, string access, bool shared)
    {
        var message = Message();
        var file = await WriteFileAsync(0x5000, (offset + 0x1234, message));
        var program = Pointer(new BareMetal(), BareMetal.T0, 0x8000 + 0x1234);
        Copy(Pointer(program, T3, Buffer), BareMetal.T0, T3).Finish(0x5555);
        await using var machine = await RunAsync(program, Map(file, offset, access, shared));
        var bytes = new byte[MessageBytes + 2];
        Assert.True(machine.Memory.TryRead(Buffer - 1, bytes));
        Assert.Equal([0, .. message, 0], bytes);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(0, false)]
    [InlineData(256, true)]
    [InlineData(256, false)]
    public async Task Mmap_write_reaches_a_shared_file_and_no_other(int offset, bool shared)
    {
        var message = Message();
        var file = await WriteFileAsync(0x5000);
        var expected = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
        message.CopyTo(expected, offset + 0x1234);
        var before = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
        var program = Pointer(new BareMetal(), BareMetal.T0, 0x8000 + 0x1234);
        Pointer(program, T3, Buffer);
        for (var i = 0; i < MessageBytes; i++)
        {
            program.Addi(BareMetal.A1, BareMetal.Zero, message[i]).Sb(BareMetal.A1, BareMetal.T0, i);
        }

        Copy(program, BareMetal.T0, T3).Finish(0x5555); // and reads back what it wrote
        await using (var machine = await RunAsync(program, Map(file, offset, "rw", shared)))
        {
            var bytes = new byte[MessageBytes];
            Assert.True(machine.Memory.TryRead(Buffer, bytes));
            Assert.Equal(message, bytes);
        }

        Assert.Equal(shared ? expected : before, await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken));
    }

    // Of RAM a store traps, as ducky's does; a window drops it.
    [Theory]
    [InlineData(0, 0x8000, 0x01CE_0023U, "F")] // sb t3, 0(t3)
    [InlineData(256, 0x8000, 0x01CE_0023U, "D")]
    [InlineData(0, 0x8FFD, 0x01CE_3023U, "F")] // sd t3, 0(t3), over two pages
    [InlineData(0, 0x8000, 0x01CE_202FU, "F")] // amoadd.w zero, t3, (t3)
    [InlineData(0, 0x8000, 0x100E_202FU, "D")] // lr.w zero, (t3)
    public async Task What_is_read_only_is_not_written(int offset, ulong address, uint store, string expected)
    {
        var file = await WriteFileAsync(0x5000);
        var before = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
        var body = Pointer(new BareMetal(), T3, address).Emit(store).Print("D").Finish(0x5555);
        var code = new BareMetal();
        code.Emit(0x17 | (BareMetal.T2 << 7)).Addi(BareMetal.T2, BareMetal.T2, 12 + body.Here); // auipc; where "F" is printed
        code.Emit((0x305U << 20) | (BareMetal.T2 << 15) | (1 << 12) | 0x73); // csrw mtvec, t2
        Pointer(code, T3, address).Emit(store).Print("D").Finish(0x5555).Print("F").Finish(0x5555);
        await using var machine = await RunAsync(code, Map(file, offset, "r", shared: true));
        Assert.Equal(expected, machine.Console.Transcript);
        Assert.Equal(before, await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Programs_run_in_whole_pages()
    {
        var inside = new BareMetal().Print("X").Finish(0x5555).ToElf();
        var file = await WriteFileAsync(0x4000, (0, inside[0x88..]));
        var program = Pointer(new BareMetal(), T3, 0x8000);
        program.Emit((T3 << 15) | 0x67); // jalr x0, t3
        await using var machine = await RunAsync(program, Map(file, 0, "x", shared: false));
        Assert.Equal("X", machine.Console.Transcript);
    }

    [Theory]
    [InlineData("{ }", "$.mmap[0].file: found no file, expected the name of one")]
    [InlineData("{ \"file\": \"a\" }", "$.mmap[0].address: found no address, expected a multiple of 256 in device space")]
    [InlineData("{ \"file\": \"a\", \"address\": 256 }", "$.mmap[0].size: found a size of 0 bytes, expected a multiple of 256")]
    [InlineData("{ \"file\": \"a\", \"address\": 256, \"size\": 255 }", "$.mmap[0].size: found a size of 255 bytes, expected a multiple of 256")]
    [InlineData("{ \"file\": \"a\", \"address\": 256, \"size\": \"2T\" }", "$.mmap[0].size: found a size of 2199023255552 bytes, expected at most 1099511627776 (1T)")]
    [InlineData("{ \"file\": \"a\", \"address\": 255, \"size\": 256 }", "$.mmap[0].address: found address 0xff for mmap0, expected a multiple of 256 in 0x0 to")]
    [InlineData("{ \"file\": \"a\", \"address\": 256, \"size\": 256, \"access\": \"w\" }", "$.mmap[0].access: found 'w', expected r, rw, rx, x, rwx")]
    [InlineData("{ \"file\": \"a\", \"address\": 256, \"size\": 256, \"access\": \"rx\" }", "$.mmap[0].access: found 'rx' for a part that is no whole pages")]
    [InlineData("{ \"file\": \"a\", \"address\": \"0x80000000\", \"size\": \"4K\" }", "$.mmap[0]: mmap0 (0x80000000 to 0x80000fff) overlaps RAM")]
    [InlineData("{ \"file\": \"a\", \"address\": \"0x10000000\", \"size\": \"4K\" }", "$.mmap[0]: mmap0 (0x10000000 to 0x10000fff) overlaps serial")]
    [InlineData(
        "{ \"file\": \"a\", \"address\": \"0x30000000\", \"size\": \"4K\" }], \"ide\": [ { }",
        "$.mmap[0]: mmap0 (0x30000000 to 0x30000fff) overlaps pci")]
    [InlineData("{ \"file\": \"a\", \"address\": \"0x8000\", \"size\": \"4K\" }, null", "$.mmap[1]: found null, expected a value")]
    [InlineData(
        "{ \"file\": \"a\", \"address\": \"0x8000\", \"size\": \"4K\", \"access\": \"rw\", \"shared\": true }], \"disks\": [ { \"image\": \"a\" }",
        "$.mmap[0].file: /vm/a is written by $.disks[0] already, expected one writer")]
    [InlineData(
        "{ \"file\": \"a\", \"address\": \"0x8000\", \"size\": \"4K\" }], \"consoles\": [ { \"ports\": [ { \"output\": \"./a\" } ] }",
        "$.consoles[0].ports[0].output: found /vm/./a, which the machine uses, expected a file of its own; name another file")]
    [InlineData(
        "], \"disks\": [ { \"image\": \"a\", \"readOnly\": true } ], \"consoles\": [ { \"ports\": [ { \"output\": \"b\" }, { \"output\": \"a\" } ] }",
        "$.consoles[0].ports[1].output: found /vm/a, which the machine uses, expected a file of its own; name another file")]
    public void A_mistake_is_refused_with_one_line(string json, string start)
    {
        var text = Encoding.UTF8.GetBytes("{ \"kernel\": \"k\", \"mmap\": [" + json + "] }");
        var error = Assert.Throws<MachineConfigurationException>(() => MachineFile.Parse(text, "vm.json", "/vm"));
        Assert.StartsWith("vm.json:1: " + start, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    [Fact]
    public async Task An_offset_that_cannot_be_is_refused()
    {
        var map = Map("file", 0, "r", shared: false) with { Offset = -4096 };
        var error = await Assert.ThrowsAsync<MachineConfigurationException>(() => CreateAsync(new BareMetal().Finish(0x5555), map));
        Assert.StartsWith("$.mmap[0].offset: found an offset of -4096 bytes, expected 0 or more", error.Message, StringComparison.Ordinal);
    }

    // The kernel's own files say that they have a page, and cannot be mapped.
    [Theory]
    [InlineData(4096)]
    [InlineData(256)]
    public async Task A_file_that_the_host_cannot_map_is_named(int size)
    {
        const string Unmappable = "/sys/devices/system/cpu/online";
        var map = Map(Unmappable, 0, "r", shared: false) with { Size = new ByteSize(size) };
        var error = await Assert.ThrowsAsync<MachineConfigurationException>(() => CreateAsync(new BareMetal().Finish(0x5555), map));
        Assert.StartsWith($"{Unmappable}: the host cannot map it (", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("expected a plain file; map a copy of it, or less", error.Message, StringComparison.Ordinal);
    }

    // What a BIO reads goes to the file that is RAM; it is refused where the guest cannot write.
    [Theory]
    [InlineData("rw", 1)]
    [InlineData("r", 2)]
    public async Task A_device_reaches_a_file_that_is_RAM(string access, int status)
    {
        var file = await WriteFileAsync(0x4000);
        var program = Pointer(new BareMetal(), BareMetal.T0, 0x8400);
        foreach (var (value, register) in new[] { (7, 4), (1, 12) })
        {
            program.Addi(BareMetal.T1, BareMetal.Zero, value).Sw(BareMetal.T1, BareMetal.T0, register);
        }

        Pointer(program, T3, 0x2000_0000).Sw(T3, BareMetal.T0, 16).Addi(BareMetal.T1, BareMetal.Zero, 0x24).Sw(BareMetal.T1, BareMetal.T0, 0);
        program.Lwu(BareMetal.A1, BareMetal.T0, 0).Addi(BareMetal.A1, BareMetal.A1, '0').Lui(BareMetal.T2, 0x10000).Sb(BareMetal.A1, BareMetal.T2, 0).Finish(0x5555);
        var map = Map(file, 0, access, shared: true) with { Address = 0x2000_0000 };
        var bio = new BioConfiguration { Storages = [new BioStorageConfiguration { Sid = 7, Image = "mem:2K" }] };
        await using (var machine = await RunAsync(program, map, bio))
        {
            Assert.Equal($"{status}", machine.Console.Transcript);
        }

        var content = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
        Assert.Equal(status == 1 ? 0 : 0xDE, content[0]);
        Assert.Equal(0xDE, content[1024]);
    }

    [Theory]
    [InlineData(0x1000)]
    [InlineData(0x1100)]
    public async Task A_file_that_is_missing_or_too_short_is_refused_before_the_start(int size)
    {
        var file = await WriteFileAsync(0x1200);
        var map = Map(file, 0x1000, "r", shared: false) with { Size = size };
        map.Offset = 0x1000;
        var error = await Assert.ThrowsAsync<MachineConfigurationException>(() => CreateAsync(new BareMetal().Finish(0x5555), map));
        Assert.Equal($"{file}: found 4608 bytes, expected at least 4096 + {size}, which are to be mapped; map less, or make the file longer", error.Message);
        map.File = file + ".missing";
        error = await Assert.ThrowsAsync<MachineConfigurationException>(() => CreateAsync(new BareMetal().Finish(0x5555), map));
        Assert.Equal(MachineErrorKind.MissingInput, error.Kind);
    }

    private static byte[] Message() => Encoding.ASCII.GetBytes("Some sixty-four characters that stand in the file or in memory.!");

    // A register with an address of 32 bits, whose upper half would be a sign.
    private static BareMetal Pointer(BareMetal program, int register, ulong address)
    {
        var low = (int)(address & 0xFFF);
        low = low >= 0x800 ? low - 0x1000 : low;
        var high = (uint)(unchecked(address - (ulong)(long)low) >> 12);
        var rd = (uint)register;
        return program.Lui(register, high).Addi(register, register, low)
            .Emit((32U << 20) | (rd << 15) | (1 << 12) | (rd << 7) | 0x13).Emit((32U << 20) | (rd << 15) | (5 << 12) | (rd << 7) | 0x13);
    }

    private static BareMetal Copy(BareMetal program, int from, int to)
    {
        for (var i = 0; i < MessageBytes; i++)
        {
            program.Lbu(BareMetal.A1, from, i).Sb(BareMetal.A1, to, i);
        }

        return program;
    }

    private static MappedFileConfiguration Map(string file, int offset, string access, bool shared) => new()
    {
        File = file,
        Address = 0x8000,
        Size = 0x4000,
        Offset = offset,
        Access = access,
        Shared = shared,
    };

    private async Task<string> WriteFileAsync(int bytes, params (int Offset, byte[] Content)[] messages)
    {
        var content = new byte[bytes];
        content.AsSpan().Fill(0xDE);
        foreach (var (offset, message) in messages)
        {
            message.CopyTo(content, offset);
        }

        var path = Path.Combine(_folder, "file");
        await File.WriteAllBytesAsync(path, content, TestContext.Current.CancellationToken);
        return path;
    }

    private Task<Machine> CreateAsync(BareMetal program, MappedFileConfiguration map, BioConfiguration? bio = null)
    {
        var path = Path.Combine(_folder, "program.elf");
        File.WriteAllBytes(path, program.ToElf());
        return Machine.CreateAsync(new MachineConfiguration { Memory = "2M", Kernel = path, Mmap = [map], Bio = bio is null ? [] : [bio] });
    }

    private async Task<Machine> RunAsync(BareMetal program, MappedFileConfiguration map, BioConfiguration? bio = null)
    {
        var machine = await CreateAsync(program, map, bio);
        var exit = await machine.RunAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.Equal((MachineExitReason.PoweredOff, null), (exit.Reason, exit.Fault));
        return machine;
    }
}
