using System.Text;

namespace Eider.Machines.Tests.Configuration;

public sealed class MachineFileTests
{
    [Fact]
    public void A_file_with_everything_in_it_is_read()
    {
        var machine = Parse("""
            {
              "$schema": "machine.schema.json",
              // comments and trailing commas are allowed
              "memory": "1G", "harts": 4, "kernel": "Image", "initrd": "/abs/initrd", "commandLine": "quiet",
              "disks": [
                { "image": "root.img", "ring": "split", "queues": 4, "serial": "s1" },
                { "image": "mem:64M", "features": ["in_order", "-event_idx"], "required": ["version_1"], "slot": 5 },
                { "image": "file:other.img", "readOnly": true, "overlay": "mem" },
              ],
              "consoles": [{ "ports": [{ "name": "log", "output": "log.txt" }] }],
              "rng": { "bytesPerSecond": 1024, "address": "0xD0100000", "irq": 90 },
              "board": { "serial": { "address": "0x10010000", "irq": 12 } },
              "seed": 18446744073709551615, /* all of 64 bits */
            }
            """);
        Assert.Equal(1L << 30, machine.Memory.Bytes);
        Assert.Equal("/vm/Image", machine.Kernel);
        Assert.Equal("/abs/initrd", machine.Initrd);
        Assert.Equal(["/vm/root.img", "mem:64M", "file:/vm/other.img"], machine.Disks.Select(disk => disk.Image!));
        Assert.Equal(VirtioRing.Split, machine.Disks[0].Ring);
        Assert.Equal(5, machine.Disks[1].Slot);
        Assert.Equal(DiskOverlay.Memory, machine.Disks[2].Overlay);
        Assert.Equal("/vm/log.txt", machine.Consoles[0].Ports[0].Output);
        Assert.Equal(0xD010_0000UL, machine.Rng!.Address);
        Assert.Equal(12, machine.Board.Serial!.Irq);
        Assert.Equal(ulong.MaxValue, machine.Seed);
    }

    [Fact]
    public void A_disk_has_a_format_a_chain_a_passphrase_a_cache_and_layers_with_paths_of_the_files_directory()
    {
        var disks = Parse("""
            { "kernel": "k", "disks": [
              { "image": "a.qcow2", "format": "qcow2", "chain": "images", "keyFile": "secret", "layers": ["copy-on-read", "trace:file=t.log"] },
              { "image": "http://host/a", "cache": "cache", "cacheSize": "1G", "chain": "any", "layers": ["throttle:iops=5:group=g"] } ] }
            """).Disks;
        Assert.Equal(("qcow2", "/vm/images", "/vm/secret"), (disks[0].Format, disks[0].Chain, disks[0].KeyFile));
        Assert.Equal(["copy-on-read", "trace:file=/vm/t.log"], disks[0].Layers);
        Assert.Equal(("/vm/cache", 1L << 30, "any"), (disks[1].Cache, disks[1].CacheSize.Bytes, disks[1].Chain));
        Assert.Equal(["throttle:iops=5:group=g"], disks[1].Layers);
    }

    [Theory]
    [InlineData("\"format\": \"vmdk\"", "$.disks[0].format: found 'vmdk', expected 'raw' or 'qcow2'")]
    [InlineData("\"cacheSize\": 5", "$.disks[0].cacheSize: found 5")]
    [InlineData("\"layers\": [\"slow\"]", "$.disks[0].layers[0]: layer slow: found 'slow', expected readonly")]
    [InlineData("\"layers\": [null]", "$.disks[0].layers[0]: found null")]
    [InlineData("\"layers\": [\"delay:ms=1\"] } ], \"seed\": 1, \"consoles\": [ {", "$.disks[0].layers[0]: found 'delay:ms=1' in a deterministic machine")]
    public void What_stands_between_image_and_device_is_checked_with_its_place(string settings, string expected)
    {
        var failure = Assert.Throws<MachineConfigurationException>(() => Parse($"{{ \"kernel\": \"k\", \"disks\": [{{ \"image\": \"a\", {settings} }}] }}"));
        Assert.Contains(expected, failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_left_out_keeps_its_default() =>
        Assert.Equal(new MachineConfiguration { Kernel = "/vm/k" } with { Board = null! }, Parse("""{ "kernel": "k" }""") with { Board = null! });

    [Theory]
    [InlineData("{\n \"kernel\": \"k\",\n \"cpus\": 2\n}", "vm.json:3: $.cpus: unknown property 'cpus'")]
    [InlineData("{\n \"kernel\": \"k\",\n \"disks\": [\n  { \"image\": \"a\", \"cash\": 1 } ] }", "vm.json:4: $.disks[0].cash: unknown property 'cash'")]
    [InlineData("{ \"kernel\": \"k\",\n \"harts\": \"two\" }", "vm.json:2: $.harts: ")]
    [InlineData("{ \"kernel\": \"k\",\n\n \"harts\": 9 }", "vm.json:3: $.harts: found 9 harts, expected 1 to 8")]
    [InlineData("{ \"kernel\": \"k\",\n \"harts\": 0 }", "vm.json:2: $.harts: ")]
    [InlineData("{ \"kernel\": \"k\", \"memory\": \"lots\" }", "vm.json:1: $.memory: expected a size")]
    [InlineData("{ \"kernel\": \"k\",\n \"memory\": 1000 }", "vm.json:2: $.memory: found 1000, expected a multiple of 4096")]
    [InlineData("{\n}", "vm.json:1: $.kernel: found neither kernel nor firmware")]
    [InlineData("{ \"kernel\": \"k\", \"kernel\": \"l\" }", "vm.json:1: $.kernel: ")]
    [InlineData("{ \"kernel\": null, \"disks\": null }", "vm.json:1: $.disks: ")]
    [InlineData("{ \"kernel\": \"k\"", "vm.json:1: $")]
    [InlineData("null", "vm.json:1: $: found null, expected an object")]
    [InlineData("", "vm.json:1: $: found nothing, expected an object")]
    [InlineData("[]", "vm.json:1: $: found another kind of value, or one out of range; expected an object")]
    [InlineData("{ \"kernel\": \"k\",\n \"disks\": [null] }", "vm.json:2: $.disks[0]: found null")]
    [InlineData("{ \"kernel\": \"k\",\n \"consoles\": [null] }", "vm.json:2: $.consoles[0]: found null")]
    [InlineData("{ \"kernel\": \"k\",\n \"consoles\": [{ \"ports\": [\n null] }] }", "vm.json:3: $.consoles[0].ports[0]: found null")]
    [InlineData("{ \"kernel\": \"k\",\n \"rng\": { \"required\": [null] } }", "vm.json:2: $.rng.required[0]: found null")]
    [InlineData("{ \"kernel\": \"k\", \"disks\": [{ \"image\": \"a\", \"features\": [null] }] }", "vm.json:1: $.disks[0].features[0]: found null")]
    [InlineData("{ \"kernel\": \"k\", \"disks\": [{ \"image\": \"a\\u0000b\" }] }", "vm.json:1: $.disks[0].image: ")]
    [InlineData("{ \"kernel\": \"k\", \"disks\": [{ \"image\": \"a\",\n \"queues\": 0 }] }", "vm.json:2: $.disks[0].queues: found 0 queues, expected 1 to 64")]
    [InlineData("{ \"kernel\": \"k\", \"disks\": [{ \"image\": \"a\",\n \"serial\": \"123456789012345678901\" }] }", "vm.json:2: $.disks[0].serial: found serial")]
    [InlineData("{ \"kernel\": \"k\", \"disks\": [{ \"image\": \"a\", \"overlay\": \"disk\" }] }", "vm.json:1: $.disks[0].overlay: found another kind of value, or one out of range; expected \"none\" or \"mem\"")]
    [InlineData("{ \"kernel\": \"k\",\n \"rng\": { \"bytesPerSecond\": -1 } }", "vm.json:2: $.rng.bytesPerSecond: ")]
    [InlineData("{ \"kernel\": \"k\",\n \"consoles\": [{ \"ports\": [{ \"name\": \"a\" }, { \"name\": \"a\" }] }] }", "vm.json:2: $.consoles[0].ports: console port 'a' exists twice")]
    public void A_mistake_is_reported_with_file_line_and_path(string json, string start)
    {
        var error = Assert.Throws<MachineConfigurationException>(() => Parse(json));
        Assert.StartsWith(start, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
        Assert.DoesNotMatch("System[.]|Eider[.]|nullability", error.Message);
        Assert.Equal(MachineErrorKind.BadSetting, error.Kind);
    }

    [Theory]
    [InlineData("\"disks\": [{ \"image\": \"a\" },\n { \"image\": \"b\", \"irq\": 40 }]", "vm.json:2: $.disks[1].irq: IRQ 40 of vdb is taken by vda")]
    [InlineData("\"disks\": [{ \"image\": \"a\", \"irq\": 10 }]", "vm.json:1: $.disks[0].irq: IRQ 10 of vda is taken by serial")]
    [InlineData("\"disks\": [{ \"image\": \"a\", \"irq\": 96 }]", "vm.json:1: $.disks[0].irq: found IRQ 96 for vda, expected 1 to 95")]
    [InlineData("\"disks\": [{ \"image\": \"a\",\n\n \"address\": \"0x10000000\" }]", "vm.json:1: $.disks[0]: vda (0x10000000 to 0x10000fff) overlaps serial (0x10000000 to 0x100000ff)")]
    [InlineData("\"disks\": [{ \"image\": \"a\", \"address\": \"0x80001000\" }]", "vm.json:1: $.disks[0]: vda (0x80001000 to 0x80001fff) overlaps RAM")]
    [InlineData("\"disks\": [{ \"image\": \"a\", \"address\": \"0xD0000001\" }]", "vm.json:1: $.disks[0].address: found address 0xd0000001 for vda, expected a multiple of 4096")]
    [InlineData("\"disks\": [{ \"image\": \"a\", \"address\": \"0xFFFFFFFFFFFFF000\" }]", "vm.json:1: $.disks[0].address: ")]
    [InlineData("\"board\": { \"rtc\": { \"irq\": 10 } }", "vm.json:1: $.board.serial.irq: IRQ 10 of serial is taken by rtc")]
    [InlineData("\"board\": { \"power\": { \"irq\": 10 } }", "vm.json:1: $.board.power.irq: power does not interrupt")]
    [InlineData("\"disks\": [{ \"image\": \"a\", \"slot\": 3 }, { \"image\": \"b\",\n \"slot\": 3 }]", "vm.json:2: $.disks[1].slot: slot 3 of vdb is taken by vda, expected a free one from 0 to 31")]
    [InlineData("\"disks\": [{ \"image\": \"a\", \"slot\": 32 }]", "vm.json:1: $.disks[0].slot: slot 32 of vda does not exist")]
    [InlineData("\"disks\": [{ \"image\": \"a\" },\n { \"image\": \"./a\" }]", "vm.json:2: $.disks[1].image: /vm/./a is written by $.disks[0] already")]
    [InlineData("\"seed\": 1, \"disks\": [{ \"image\": \"http://h/a\" }]", "vm.json:1: $.disks[0].image: found http://h/a in a deterministic machine")]
    public void A_conflict_is_refused_with_both_names(string json, string start)
    {
        var error = Assert.Throws<MachineConfigurationException>(() => Parse("{ \"kernel\": \"k\", " + json + " }"));
        Assert.StartsWith(start, error.Message, StringComparison.Ordinal);
        Assert.Equal(MachineErrorKind.Conflict, error.Kind);
    }

    [Theory]
    [InlineData("{ \"image\": \"a\", \"ring\": \"round\" }", "$.disks[0].ring: ")]
    [InlineData("{ \"image\": \"a\", \"features\": [\"speed\"] }", "$.disks[0].features[0]: found feature 'speed'")]
    [InlineData("{ \"image\": \"a\", \"features\": [\"+sr_iov\"] }", "$.disks[0].features[0]: feature bits")]
    [InlineData("{ \"image\": \"a\", \"required\": [\"64\"] }", "$.disks[0].required[0]: found feature '64'")]
    [InlineData("{ \"image\": \"a\", \"format\": \"vhdx\" }", "$.disks[0].format: found 'vhdx', expected 'raw'")]
    [InlineData("{ \"readOnly\": true }", "$.disks[0].image: ")]
    [InlineData("{ \"image\": \"mem:lots\" }", "$.disks[0].image: mem:lots: ")]
    [InlineData("{ \"image\": \"ftp://h/a\" }", "$.disks[0].image: ftp://h/a: ")]
    public void A_wrong_disk_is_refused(string disk, string path)
    {
        var error = Assert.Throws<MachineConfigurationException>(() => Parse("{ \"kernel\": \"k\", \"disks\": [" + disk + "] }"));
        Assert.StartsWith("vm.json:1: " + path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_image_twice_is_fine_when_it_is_only_read()
    {
        var machine = Parse("""
            { "kernel": "k", "disks": [{ "image": "a" }, { "image": "a", "overlay": "mem" }, { "image": "a", "readOnly": true }, { "image": "a:ro" }] }
            """);
        Assert.Equal(4, machine.Disks.Count);
    }

    [Fact]
    public void More_devices_than_slots_are_refused()
    {
        var disks = string.Join(',', Enumerable.Range(0, 33).Select(i => $$"""{ "image": "{{i}}" }"""));
        var error = Assert.Throws<MachineConfigurationException>(() => Parse($$"""{ "kernel": "k", "disks": [{{disks}}] }"""));
        Assert.Contains("at most 32", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_file_and_a_huge_file_are_refused()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, new byte[(1 << 20) + 1]);
            Assert.Equal(MachineErrorKind.BadInput, Assert.Throws<MachineConfigurationException>(() => MachineFile.Load(path)).Kind);
        }
        finally
        {
            File.Delete(path);
        }

        Assert.Equal(MachineErrorKind.MissingInput, Assert.Throws<MachineConfigurationException>(() => MachineFile.Load(path)).Kind);
    }

    // Found by the fuzzer "machine-file": a terminal obeys what stands in a message.
    [Theory]
    [InlineData("""{ "k\nnel": 1 }""", """k\u000anel""")]
    [InlineData("""{ "kernel": "k", "disks": [ { "image": "mem:1M", "format": "\u001b[2J" } ] }""", """found '\u001b[2J'""")]
    [InlineData("""{ "kernel": "k", "disks": [ { "image": "mem:1M", "format": "a\u2028b\u202ec" } ] }""", """found 'a\u2028b\u202ec'""")]
    public void What_a_file_says_stands_in_one_line_without_control_characters(string json, string expected)
    {
        var error = Assert.Throws<MachineConfigurationException>(() => Parse(json));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(error.Message, char.IsControl);
    }

    [Fact]
    public void A_long_text_of_a_file_is_shortened_in_the_message()
    {
        var error = Assert.Throws<MachineConfigurationException>(
            () => Parse($$"""{ "kernel": "k", "disks": [ { "image": "mem:1M", "format": "{{new string('x', 100_000)}}" } ] }"""));
        Assert.InRange(error.Message.Length, 100, 1100);
        Assert.EndsWith("expected 'raw' or 'qcow2' or 'luks'", error.Message, StringComparison.Ordinal);
    }

    private static MachineConfiguration Parse(string json) => MachineFile.Parse(Encoding.UTF8.GetBytes(json), "vm.json", "/vm");
}
