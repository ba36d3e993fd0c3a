using System.Buffers.Binary;
using System.Globalization;

namespace Eider.Cli.Tests;

/// <summary>Wrong input: one line that says what, where, found and expected; an exit code of the table; nothing made.</summary>
public sealed class BadInputTests
{
    [Theory]
    [InlineData(64, "--bogus", "run", "--bogus")]
    [InlineData(64, "bogus", "bogus")]
    [InlineData(64, "--kernel", "run")]
    [InlineData(64, "--harts 9", "run", "--kernel", "k", "--harts", "9")]
    [InlineData(64, "--memory lots", "run", "--kernel", "k", "--memory", "lots")]
    [InlineData(64, "unknown setting 'rw'", "run", "--kernel", "k", "--disk", "d.img,rw")]
    [InlineData(64, "format is 'vhdx', expected raw or qcow2 or luks", "run", "--kernel", "k", "--disk", "d.img,format=vhdx")]
    [InlineData(64, "cache-size is 'much'", "run", "--kernel", "k", "--disk", "http://h/d.img,cache=c,cache-size=much")]
    [InlineData(64, "eider: disk 1, layers[1]: layer throttle:iops=fast: found iops=fast", "run", "--kernel", "k", "--disk", "mem:1M,layers=readonly+throttle:iops=fast")]
    [InlineData(64, "unknown name 'disk'", "run", "--kernel", "k", "--trace", "disk")]
    [InlineData(64, "unknown console", "run", "--kernel", "k", "--console", "tv")]
    [InlineData(64, "--queues 9", "quickstart", "--queues", "9")]
    [InlineData(64, "'x' for option '--harts', expected a whole number;", "quickstart", "--harts", "x")]
    [InlineData(64, "one of: 'trixie' 'forky' 'sid';", "quickstart", "--release", "woody")]
    [InlineData(64, "eider: --svirtb a: stride is '30', expected 32 or 28", "run", "--kernel", "k", "--svirtb", "a,stride=30")]
    [InlineData(64, "eider: --svirtb a: address is '12', expected a multiple of 4096", "run", "--kernel", "k", "--svirtb", "a,address=12")]
    [InlineData(64, "eider: --svirtb a,queues=2: unknown setting 'queues'", "run", "--kernel", "k", "--svirtb", "a,queues=2")]
    [InlineData(78, "eider: svirtb 2: svirtb1 (0xcafe0000 to", "run", "--kernel", "k", "--svirtb", "mem:1", "--svirtb", "mem:1,address=0xCAFE0000")]
    [InlineData(64, "eider: --bio a.img: names no id, expected FILE,sid=N", "run", "--kernel", "k", "--bio", "a.img")]
    [InlineData(64, "eider: --bio a.img: sid is '-1', expected a number from 0 to 4294967295", "run", "--kernel", "k", "--bio", "a.img,sid=-1")]
    [InlineData(64, "eider: --bio a.img: device is '2', expected at most 0, the next one", "run", "--kernel", "k", "--bio", "a.img,sid=1,device=2")]
    [InlineData(64, "eider: --bio mem:2M: 'address' is given to this BIO a second time", "run", "--kernel", "k", "--bio", "mem:1M,sid=1,address=0x8400", "--bio", "mem:2M,sid=2,address=0x8500")]
    [InlineData(64, "eider: --bio a.img: address is '1', expected a multiple of 256 as 0x100", "run", "--kernel", "k", "--bio", "a.img,sid=1,address=1")]
    [InlineData(78, "eider: bio 1, storage 2, sid: found sid 7, which $.bio[0].storages[0] has already", "run", "--kernel", "k", "--bio", "mem:1M,sid=7", "--bio", "mem:1M,sid=7")]
    [InlineData(78, "eider: bio 2: bio1 (0x8400 to 0x84ff) overlaps bio0", "run", "--kernel", "k", "--bio", "mem:1M,sid=7", "--bio", "mem:1M,sid=8,device=1,address=0x8400")]
    [InlineData(64, "eider: --mmap ,size=4K: names no file", "run", "--kernel", "k", "--mmap", ",size=4K")]
    [InlineData(64, "eider: --mmap f: size is 'all', expected a number of bytes", "run", "--kernel", "k", "--mmap", "f,size=all")]
    [InlineData(64, "eider: mmap 1, address: found no address", "run", "--kernel", "k", "--mmap", "f,size=4K")]
    [InlineData(66, "none.bin: no such file", "run", "--kernel", "k", "--mmap", "none.bin,size=4K,address=0x8000")]
    [InlineData(64, "eider: memory: found 8K, expected a multiple", "run", "--kernel", "k", "--memory", "8K")]
    [InlineData(64, "eider: disk 2: mem:lots: found size 'lots'", "run", "--kernel", "k", "--disk", "mem:1M", "--disk", "mem:lots")]
    [InlineData(64, "eider: disk 1, features[0]: found feature 'speed'", "run", "--kernel", "k", "--disk", "mem:1M,features=speed")]
    [InlineData(64, "--stats: names no file", "demo", "--stats", "")]
    [InlineData(73, "--stats /proc/none: cannot be made", "demo", "--stats", "/proc/none")]
    [InlineData(73, "--trace-file /proc/none: cannot be made", "demo", "--trace", "blk", "--trace-file", "/proc/none")]
    [InlineData(64, "--queues 4 with --bus ide: expected 1", "quickstart", "--bus", "ide", "--queues", "4")]
    [InlineData(64, "'queues' is a setting of virtio disks", "run", "--kernel", "k", "--disk", "d.img,transport=ide,queues=2")]
    [InlineData(64, "transport is 'scsi', expected virtio-mmio, virtio-pci or ide", "run", "--kernel", "k", "--disk", "d.img,transport=scsi")]
    [InlineData(64, "--cdrom : names no file", "run", "--kernel", "k", "--cdrom", "")]
    [InlineData(64, "--cdrom a.iso: format is 'iso', expected raw or qcow2 or luks", "quickstart", "--cdrom", "a.iso,format=iso")]
    [InlineData(64, "unknown setting 'ro'; expected format, chain, key, cache", "quickstart", "--cdrom", "a.iso,ro")]
    [InlineData(64, "'mirror'", "quickstart", "--root", "mirror")]
    [InlineData(64, "nothing would be kept", "quickstart", "--root", "http", "--keep", "k.img")]
    [InlineData(66, "none.img: no such file", "quickstart", "--disk", "none.img")]
    [InlineData(73, "its folder does not exist", "quickstart", "--stats", "no/such/folder/s.json")]
    public async Task A_wrong_command_line_is_refused_in_one_line(int code, string message, params string[] arguments)
    {
        using var folder = new TemporaryFolder();

        var result = await EiderProcess.RunAsync(folder.Path, arguments);

        AssertRefused(folder, code, message, result);
    }

    [Fact]
    public async Task A_missing_kernel_is_named()
    {
        using var folder = new TemporaryFolder();

        AssertRefused(folder, 66, "none.bin", await EiderProcess.RunAsync(folder.Path, "run", "--kernel", "none.bin"));
    }

    [Fact]
    public async Task A_kernel_of_another_architecture_is_recognized()
    {
        using var folder = new TemporaryFolder();
        var elf = new byte[128];
        "\u007fELF\u0002\u0001\u0001"u8.CopyTo(elf);
        BinaryPrimitives.WriteUInt16LittleEndian(elf.AsSpan(16), 2);
        BinaryPrimitives.WriteUInt16LittleEndian(elf.AsSpan(18), 62);
        await File.WriteAllBytesAsync(folder.At("vmlinux"), elf, TestContext.Current.CancellationToken);

        AssertRefused(folder, 65, "x86", await EiderProcess.RunAsync(folder.Path, "run", "--kernel", "vmlinux"), "vmlinux");
    }

    [Fact]
    public async Task A_disk_that_is_missing_is_named_and_not_made()
    {
        using var folder = new TemporaryFolder();
        var demo = await DemoKernelAsync(folder);

        foreach (var disk in (string[][])[["--disk", "none.img"], ["--disk", "none.img,transport=ide"], ["--cdrom", "none.img"]])
        {
            AssertRefused(folder, 66, "none.img", await EiderProcess.RunAsync(folder.Path, ["run", "--kernel", demo, .. disk]), "demo.elf");
        }

        var result = await EiderProcess.RunAsync(folder.Path, "run", "--kernel", demo, "--disk", "none.img");

        AssertRefused(folder, 66, "none.img", result, demo);
    }

    [Fact]
    public async Task A_disk_of_no_whole_sectors_is_refused()
    {
        using var folder = new TemporaryFolder();
        var demo = await DemoKernelAsync(folder);
        await File.WriteAllBytesAsync(folder.At("odd.img"), new byte[1000], TestContext.Current.CancellationToken);

        var result = await EiderProcess.RunAsync(folder.Path, "run", "--kernel", demo, "--disk", "odd.img");

        AssertRefused(folder, 65, "512", result, demo, "odd.img");
        Assert.Equal(1000, new FileInfo(folder.At("odd.img")).Length);
    }

    // A report that replaces what the machine is made of would destroy it.
    [Theory]
    [InlineData("--stats", "disk.img")]
    [InlineData("--stats", "link.img")]
    [InlineData("--stats", "m.json")]
    [InlineData("--trace-file", "disk.img")]
    [InlineData("--console", "serial,out=disk.img")]
    public async Task An_output_onto_a_file_of_the_machine_is_refused_and_the_file_stays_as_it_is(string option, string file)
    {
        using var folder = new TemporaryFolder();
        var demo = await DemoKernelAsync(folder);
        var content = Enumerable.Repeat((byte)7, 4096).ToArray();
        await File.WriteAllBytesAsync(folder.At("disk.img"), content, TestContext.Current.CancellationToken);
        File.CreateSymbolicLink(folder.At("link.img"), folder.At("disk.img"));
        var machine = $$"""{ "kernel": "{{demo}}", "disks": [{ "image": "disk.img" }] }""";
        await File.WriteAllTextAsync(folder.At("m.json"), machine, TestContext.Current.CancellationToken);

        var result = await EiderProcess.RunAsync(folder.Path, "run", "m.json", "--trace", "blk", option, file);

        AssertRefused(folder, 73, "which the machine uses", result, demo, "disk.img", "link.img", "m.json");
        Assert.Equal(content, await File.ReadAllBytesAsync(folder.At("disk.img"), TestContext.Current.CancellationToken));
        Assert.Equal(machine, await File.ReadAllTextAsync(folder.At("m.json"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Two_disks_on_one_image_are_refused()
    {
        using var folder = new TemporaryFolder();
        var demo = await DemoKernelAsync(folder);
        await File.WriteAllBytesAsync(folder.At("d.img"), new byte[4096], TestContext.Current.CancellationToken);

        var result = await EiderProcess.RunAsync(folder.Path, "run", "--kernel", demo, "--disk", "d.img", "--disk", "d.img");

        AssertRefused(folder, 78, "d.img", result, demo, "d.img");
    }

    [Fact]
    public async Task A_mistake_in_a_machine_file_has_file_line_and_path()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(
            folder.At("m.json"), "{\n  // comments are allowed\n  \"kernel\": \"k\",\n  \"harts\": \"many\"\n}\n",
            TestContext.Current.CancellationToken);

        var result = await EiderProcess.RunAsync(folder.Path, "run", "m.json");

        Assert.Equal("", result.Output);
        Assert.InRange(result.Code, 64, 65);
        Assert.Matches(@"^eider: .*m\.json.*4.*harts.*\n$", result.Errors);
    }

    [Theory]
    [InlineData(73, "--console /proc/none: cannot be made", "--console", "serial,out=/proc/none")]
    [InlineData(66, "file or a block device", "--disk", "/dev/null")]
    [InlineData(66, "directory", "--disk", "/")]
    [InlineData(69, "refused", "--disk", "http://127.0.0.1:1/x")]
    [InlineData(65, "found a pipe or a device, expected a file", "--initrd", "/dev/stdin")]
    public async Task A_place_that_is_no_disk_or_file_is_refused(int code, string message, params string[] arguments)
    {
        using var folder = new TemporaryFolder();
        var demo = await DemoKernelAsync(folder);

        AssertRefused(folder, code, message, await EiderProcess.RunAsync(folder.Path, ["run", "--kernel", demo, .. arguments]), demo);
    }

    [Theory]
    [InlineData(64, "exists twice", "{ \"ports\": [{ \"name\": \"a\", \"output\": \"out\" }, { \"name\": \"a\" }] }")]
    [InlineData(66, "none", "{ \"ports\": [{ \"name\": \"a\", \"output\": \"out\" }, { \"name\": \"b\", \"input\": \"none\" }] }")]
    [InlineData(73, "directory", "{ \"ports\": [{ \"name\": \"a\", \"output\": \"out\" }, { \"name\": \"b\", \"output\": \"no/such\" }] }")]
    public async Task A_refused_machine_makes_none_of_its_files(int code, string message, string console)
    {
        using var folder = new TemporaryFolder();
        var demo = await DemoKernelAsync(folder);
        await File.WriteAllTextAsync(
            folder.At("m.json"), $"{{ \"kernel\": \"demo.elf\", \"consoles\": [{console}] }}", TestContext.Current.CancellationToken);

        AssertRefused(folder, code, message, await EiderProcess.RunAsync(folder.Path, "run", "m.json"), demo, "m.json");
    }

    [Fact]
    public async Task A_refused_machine_makes_no_statistics()
    {
        using var folder = new TemporaryFolder();
        var demo = await DemoKernelAsync(folder);

        var result = await EiderProcess.RunAsync(
            folder.Path, "run", "--kernel", demo, "--disk", "none.img", "--stats", "s.json", "--trace", "blk", "--trace-file", "trace");

        AssertRefused(folder, 66, "none.img", result, demo);
    }

    // The demo guest, as a kernel that boots.
    private static async Task<string> DemoKernelAsync(TemporaryFolder folder)
    {
        await using var resource = typeof(Cli.Sessions.RunReports).Assembly.GetManifestResourceStream("guests.demo.elf")!;
        await using var file = File.Create(folder.At("demo.elf"));
        await resource.CopyToAsync(file, TestContext.Current.CancellationToken);
        return "demo.elf";
    }

    private static void AssertRefused(
        TemporaryFolder folder, int code, string message, (int Code, string Output, string Errors) result, params string[] files)
    {
        Assert.Equal("", result.Output);
        Assert.StartsWith("eider: ", result.Errors, StringComparison.Ordinal);
        Assert.Equal(1, result.Errors.Count(character => character == '\n'));
        Assert.Contains(message, result.Errors, StringComparison.Ordinal);
        Assert.True(code == result.Code, string.Create(CultureInfo.InvariantCulture, $"exit {result.Code}, expected {code}: {result.Errors}"));
        Assert.Equal(files.Order(), Directory.GetFileSystemEntries(folder.Path).Select(Path.GetFileName).Order());
    }
}
