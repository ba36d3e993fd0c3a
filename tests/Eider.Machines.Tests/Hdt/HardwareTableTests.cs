using System.Buffers.Binary;
using System.Text;
using Eider.Devices.BlockIo;
using Eider.Machines.Hdt;
using Eider.Storage.Backends;

namespace Eider.Machines.Tests.Hdt;

/// <summary>Layouts of ducky.hdt; the first case is ducky's own test_sanity.</summary>
public sealed class HardwareTableTests
{
    [Fact]
    public void Without_devices_it_has_memory_and_CPUs_in_28_bytes()
    {
        var table = HardwareTable.Build(0x0100_0000, 4, [], []);
        Assert.Equal(28, table.Length);
        Assert.Equal(0x4D5E_6F70U, Word(table, 0));
        Assert.Equal((2U, 28U), (Word(table, 4), Word(table, 8)));
        Assert.Equal((HardwareTableEntry.Memory, 8, 0x0100_0000U), (TypeOf(table, 12), LengthOf(table, 12), Word(table, 16)));
        Assert.Equal((HardwareTableEntry.Cpu, 8), (TypeOf(table, 20), LengthOf(table, 20)));
        Assert.Equal((1, 4), (Half(table, 24), Half(table, 26)));
    }

    [Fact]
    public void Types_have_duckys_numbers()
    {
        Assert.Equal(0, (int)HardwareTableEntry.Undefined);
        Assert.Equal(1, (int)HardwareTableEntry.Cpu);
        Assert.Equal(2, (int)HardwareTableEntry.Memory);
        Assert.Equal(3, (int)HardwareTableEntry.Argument);
        Assert.Equal(4, (int)HardwareTableEntry.Device);
        Assert.Equal(13, HardwareTable.MaxArgumentLength);
    }

    // Ducky left the length of a number at 0 and died of an empty text.
    [Fact]
    public void Arguments_are_texts_and_numbers()
    {
        var table = HardwareTable.Build(1 << 20, 1, [
            new HardwareTableArgument { Name = "root", Text = "sid1" },
            new HardwareTableArgument { Name = "thirteen-long", Number = 0x1234_5678 },
            new HardwareTableArgument { Name = "e", Text = "" },
        ], []);
        Assert.Equal(28 + (3 * 32), table.Length);
        Assert.Equal((HardwareTableEntry.Argument, 32), (TypeOf(table, 28), LengthOf(table, 28)));
        Assert.Equal((4, 4), (table[32], table[33]));
        Assert.Equal(("root", "sid1"), (Text(table, 34, 13), Text(table, 47, 13)));
        Assert.Equal((13, 4, "thirteen-long"), (table[64], table[65], Text(table, 66, 13)));
        Assert.Equal(0x1234_5678U, Word(table, 79));
        Assert.Equal((1, 0, ""), (table[96], table[97], Text(table, 111, 13)));
    }

    [Fact]
    public async Task A_BIO_and_its_storages_are_devices_with_fields_behind_duckys()
    {
        await using var small = new MemoryStorage(10_000);
        await using var large = new MemoryStorage(5L << 32, isReadOnly: true);
        var table = HardwareTable.Build(
            1L << 40, 2, [], [("bio0", 0x8400, 2, [new BioDisk(0, small), new BioDisk(4_000_000_000, large, blockBytes: 512)]), ("bio1", 0x8500, 0, [])]);
        Assert.Equal((6U, (uint)table.Length), (Word(table, 4), Word(table, 8)));
        Assert.Equal(HardwareTable.SizeOf(0, 2, 2), table.Length);
        Assert.Equal(uint.MaxValue, Word(table, 16));

        var bio = 28;
        Assert.Equal((HardwareTableEntry.Device, 60), (TypeOf(table, bio), LengthOf(table, bio)));
        Assert.Equal((4, 0, "bio0"), (table[bio + 4], table[bio + 5], Text(table, bio + 6, 10)));
        Assert.Equal("Block IO controller", Text(table, bio + 16, 32));
        Assert.Equal((0x8400U, 2U, 2U), (Word(table, bio + 48), Word(table, bio + 52), Word(table, bio + 56)));

        var first = bio + 60;
        Assert.Equal((HardwareTableEntry.Device, 72, "sid0", "Block storage"), (TypeOf(table, first), LengthOf(table, first), Text(table, first + 6, 10), Text(table, first + 16, 32)));
        Assert.Equal([0x8400U, 0, 1024, 0, 10_000, 0], Enumerable.Range(0, 6).Select(i => Word(table, first + 48 + (i * 4))));

        var second = first + 72;
        Assert.Equal((10, "sid4000000"), (table[second + 4], Text(table, second + 6, 10))); // cut off at ten
        Assert.Equal([0x8400U, 4_000_000_000, 512, 1, 0, 5], Enumerable.Range(0, 6).Select(i => Word(table, second + 48 + (i * 4))));
        Assert.Equal((0x8500U, 0U, 0U), (Word(table, second + 72 + 48), Word(table, second + 72 + 52), Word(table, second + 72 + 56)));
    }

    [Fact]
    public void What_does_not_fit_its_page_is_refused() => Assert.Throws<ArgumentException>(
        () => HardwareTable.Build(1 << 20, 1, [.. Enumerable.Repeat(new HardwareTableArgument { Name = "a", Number = 1 }, 120)], []));

    private static uint Word(byte[] table, int offset) => BinaryPrimitives.ReadUInt32LittleEndian(table.AsSpan(offset));

    private static int Half(byte[] table, int offset) => BinaryPrimitives.ReadUInt16LittleEndian(table.AsSpan(offset));

    private static HardwareTableEntry TypeOf(byte[] table, int offset) => (HardwareTableEntry)Half(table, offset);

    private static int LengthOf(byte[] table, int offset) => Half(table, offset + 2);

    private static string Text(byte[] table, int offset, int length) => Encoding.ASCII.GetString(table, offset, length).TrimEnd('\0');
}
