using Eider.Devices.Ide;
using Eider.Devices.Tests.Virtio.Block;
using Eider.Testing.Ide;

namespace Eider.Devices.Tests.Ide;

/// <summary>All 256 commands on all kinds of devices in all states: each has a defined result, and no device stays busy with nothing to do.</summary>
public sealed class IdeOpcodeTableTests
{
    // What a disk does with a command when all registers are zero but Device (LBA): '.' aborts, 'd' done, 'i' offers data,
    // 'o' wants data, 'w' waits for the bus master, 'e' fails by its address or its length. One line for each 16 opcodes.
    private const string Disk = """
        ................
        d...............
        ii..iw.d.i......
        oo..ow...o..ow..
        ddd.............
        ................
        ................
        d...............
        ................
        dd..dddddd......
        ................
        ................
        ....iod.wwww..o.
        ................
        ddddidddo.d.i...
        .....d..d.......
        """;

    public static TheoryData<string, string> Cases()
    {
        var data = new TheoryData<string, string>();
        foreach (var device in new[] { "none", "disk", "cd", "empty" })
        {
            foreach (var state in new[] { "idle", "drq", "bsy" })
            {
                data.Add(device, state);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Every_opcode_has_a_defined_result_and_no_device_stays_busy(string device, string state)
    {
        for (var opcode = 0; opcode < 256; opcode++)
        {
            var storage = new ScriptedStorage(IdeDisks.Content(1024));
            await using var bench = new IdeTestBench(device switch
            {
                "none" => null,
                "disk" => IdeDisks.Disk(storage),
                "cd" => new IdeCdrom { Medium = storage },
                _ => new IdeCdrom(),
            });
            var isOccupied = Occupy(bench, device, state, storage);
            var before = (bench.InAlternate(), bench.In(IdeDriver.Error), bench.In(IdeDriver.Count));
            bench.Out(IdeDriver.Command, opcode);
            if (isOccupied)
            {
                AssertIgnored(bench, device, opcode, before);
            }

            storage.Holds = false;
            storage.ReleaseAll();
            bench.Settle();
            var isWaitingForBusMaster = bench.Channel.Core[0]?.State.Phase == IdePhase.DmaWaiting;
            Assert.True(isWaitingForBusMaster || (bench.InAlternate() & 0x80) == 0, $"{opcode:x2} stays busy");
            if (device == "none")
            {
                Assert.Equal(0x7F, bench.In(IdeDriver.Status));
            }

            // From any state, a reset makes it work again.
            bench.OutControl(4);
            bench.OutControl(0);
            bench.Settle();
            Assert.Equal(device switch { "none" => 0x7F, "disk" => 0x50, _ => 0x00 }, bench.In(IdeDriver.Status));
        }
    }

    [Fact]
    public async Task What_a_disk_does_with_each_opcode_is_as_the_table_says()
    {
        var rows = Disk.Split('\n');
        for (var opcode = 0; opcode < 256; opcode++)
        {
            await using var bench = IdeDisks.Bench(new SparseStorage(1 << 16));
            bench.Out(IdeDriver.Device, 0xE0);
            bench.Out(IdeDriver.Command, opcode);
            bench.Settle();
            var phase = bench.Channel.Core[0]!.State.Phase;
            var found = phase switch
            {
                IdePhase.DataIn => 'i',
                IdePhase.DataOut => 'o',
                IdePhase.DmaWaiting => 'w',
                _ when (bench.InAlternate() & 1) == 0 => 'd',
                _ => bench.In(IdeDriver.Error) == 4 ? '.' : 'e',
            };
            Assert.Equal(($"{opcode:x2}", rows[opcode >> 4].Trim()[opcode & 15]), ($"{opcode:x2}", found));
        }
    }

    // Brings the device into a state; false if it has no such state and stays idle.
    private static bool Occupy(IdeTestBench bench, string device, string state, ScriptedStorage storage)
    {
        if (device == "none" || state == "idle" || (device == "empty" && state == "bsy"))
        {
            return false;
        }

        storage.Holds = true;
        if (device == "disk")
        {
            bench.Send28(state == "drq" ? (byte)0x30 : (byte)0x20, 5, 1);
        }
        else if (state == "drq")
        {
            bench.Out(IdeDriver.Command, 0xA0);
        }
        else
        {
            bench.SendPacket([0x28, 0, 0, 0, 0, 5, 0, 0, 1]);
        }

        bench.Settle();
        return true;
    }

    private static void AssertIgnored(IdeTestBench bench, string device, int opcode, (byte Status, byte Error, byte Count) before)
    {
        if (device != "disk" && opcode == 0x08)
        {
            bench.Settle();
            Assert.Equal(0x14, bench.In(IdeDriver.Mid)); // DEVICE RESET reaches a packet device at any time
            return;
        }

        Assert.Equal((opcode, before), (opcode, (bench.InAlternate(), bench.In(IdeDriver.Error), bench.In(IdeDriver.Count))));
    }
}
