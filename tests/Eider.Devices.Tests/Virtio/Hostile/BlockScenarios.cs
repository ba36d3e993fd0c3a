using Eider.Devices.Tests.Virtio.Block;
using Eider.Devices.Virtio.Block;
using static Eider.Devices.Virtio.Block.BlockRequestStatus;

namespace Eider.Devices.Tests.Virtio.Hostile;

/// <summary>Requests that a disk must not serve, and odd ones that it must.</summary>
internal static class BlockScenarios
{
    private const uint In = 0, Out = 1, Flush = 4, GetId = 8, GetLifetime = 10, Discard = 11, WriteZeroes = 13, SecureErase = 14;
    private const int Sectors = 64;

    public static IEnumerable<HostileScenario> All =>
    [
        .. Beyond(), .. Lengths(), .. Types(), .. Framing(), .. Answers(), .. Ranges(), .. ReadOnlyDisk(), .. Aliases(),
    ];

    private static IEnumerable<HostileScenario> Beyond()
    {
        (string Name, ulong Sector, int Count)[] places =
        [
            ("one sector behind the end", Sectors, 1),
            ("over the end", Sectors - 1, 2),
            ("the whole disk and a sector", 0, Sectors + 1),
            ("far behind the end", 1UL << 40, 1),
            ("where sector times 512 wraps to 0", 1UL << 55, 1),
            ("where sector times 512 has its sign bit", 1UL << 54, 1),
            ("where sector plus count wraps to 0", ulong.MaxValue, 1),
            ("the sign bit of the sector", 1UL << 63, 1),
            ("nothing, behind the end", Sectors + 1, 0),
            ("nothing, at the last sector there is", ulong.MaxValue, 0),
        ];
        foreach (var (name, sector, count) in places)
        {
            yield return Of($"reads {name}", a => a.Header(In, sector).Writable(count * 512).Writable(1).Ends(IoError, 0, count == 0 ? 1u : 0u));
            yield return Of($"writes {name}", a => a.Header(Out, sector).Readable(new byte[count * 512]).Writable(1).Ends(IoError, 0, 1));
        }

        yield return Of("reads the last sector", a => a.Header(In, Sectors - 1).Writable(512).Writable(1).Ends(Ok, 512, 513, "Read 63+1"));
        yield return Of("writes the last sector", a => a.Header(Out, Sectors - 1).Readable(new byte[512]).Writable(1).Ends(Ok, 0, 1, "Write 63+1"));
        yield return Of("reads nothing at the end", a => a.Header(In, Sectors).Writable(1).Ends(Ok, 0, 1));
        yield return Of("writes nothing at the end", a => a.Header(Out, Sectors).Writable(1).Ends(Ok, 0, 1));
    }

    private static IEnumerable<HostileScenario> Lengths()
    {
        foreach (var length in new[] { 1, 511, 513, 1023 })
        {
            yield return Of($"reads {length} bytes", a => a.Header(In, 0).Writable(length).Writable(1).Ends(IoError, 0, 0));
            yield return Of($"writes {length} bytes", a => a.Header(Out, 0).Readable(new byte[length]).Writable(1).Ends(IoError, 0, 1));
        }

        yield return Of("writes into a buffer that the device may only write", a => a.Header(Out, 1).Writable(512).Writable(1).Ends(IoError, 0, 0));
        yield return Of("reads into a buffer that the device may only read", a => a.Header(In, 1).Readable(new byte[512]).Writable(1).Ends(IoError, 0, 1));
        yield return Of("writes with data of both directions", a =>
            a.Header(Out, 1).Readable(new byte[512]).Writable(512).Writable(1).Ends(IoError, 0, 0));
        yield return Of("reads with data of both directions", a =>
            a.Header(In, 1).Readable(new byte[512]).Writable(512).Writable(1).Ends(IoError, 0, 0));
        yield return Of("reads with one byte behind the header", a => a.Header(In, 1).Readable([0]).Writable(512).Writable(1).Ends(IoError, 0, 0));
    }

    private static IEnumerable<HostileScenario> Types()
    {
        (string Name, uint Type)[] unknown =
        [
            ("the legacy SCSI command", 2), ("the other legacy SCSI command", 3), ("the legacy barrier", 0x8000_0000),
            ("the legacy barrier with a write", 0x8000_0001), ("the number between discard and write zeroes", 12),
            ("zone append", 15), ("zone report", 16), ("zone reset all", 26), ("the number past the last", 27), ("all ones", uint.MaxValue),
            ("a read, but for bit 16", 0x1_0000), ("a write, but for bit 8", 0x101),
        ];
        foreach (var (name, type) in unknown)
        {
            yield return Of($"type: {name}", a => a.Header(type, 0).Writable(512).Writable(1).Ends(Unsupported, 0, 0));
        }

        yield return Of("secure erase that is not offered", a =>
            a.Header(SecureErase, 0).Readable(BlockBench.Ranges((0, 1, 0))).Writable(1).Ends(Unsupported, 0, 1));
        yield return Of("discard that was not negotiated", a =>
            a.Header(Discard, 0).Readable(BlockBench.Ranges((0, 1, 0))).Writable(1).Ends(Unsupported, 0, 1), refused: Mask(BlockFeature.Discard));
        yield return Of("write zeroes that was not negotiated", a =>
            a.Header(WriteZeroes, 0).Readable(BlockBench.Ranges((0, 1, 0))).Writable(1).Ends(Unsupported, 0, 1), refused: Mask(BlockFeature.WriteZeroes));
        yield return Of("a lifetime that is not offered", a => a.Header(GetLifetime, 0).Writable(6).Writable(1).Ends(Unsupported, 0, 0));
        yield return Of("a reserved field of all ones", a => a.Header(In, 0, uint.MaxValue).Writable(512).Writable(1).Ends(Ok, 512, 513, "Read 0+1"));
    }

    private static IEnumerable<HostileScenario> Framing()
    {
        foreach (var length in new[] { 1, 8, 15 })
        {
            yield return Of($"a header of {length} bytes", a => a.Readable(new byte[length]).Writable(1).Ends(IoError, 0, 1));
        }

        yield return Of("no header", a => a.Writable(512).Writable(1).Ends(IoError, 0, 0));
        yield return Of("an empty header", a => a.Readable([]).Writable(1).Ends(IoError, 0, 1));
        yield return Of("a header only", a => a.Header(In, 0).Ends(null, 0, 0));
        yield return Of("a write without a status", a => a.Header(Out, 0).Readable(new byte[512]).Ends(null, 0, 0));
        yield return Of("a write whose status is readable", a => a.Header(Out, 0).Readable(new byte[512]).Readable([0xFF]).Ends(null, 0, 0));
        yield return Of("a write whose status is empty", a => a.Header(Out, 0).Readable(new byte[512]).Writable(0).Ends(null, 0, 0));
        yield return Of("an empty chain", a => a.Readable([]).Ends(null, 0, 0));
        yield return Of("a status of two bytes after a read", a => a.Header(In, 0).Writable(512).Writable(2).Ends(IoError, 0, 0));
        yield return Of("a status of 512 bytes after a read: a sector less one, and a status", a => a.Header(In, 0).Writable(512).Ends(IoError, 0, 0));
        yield return Of("data and status in one buffer", a => a.Header(In, 2).Writable(513).Ends(Ok, 512, 513, "Read 2+1"));
        yield return Of("a status in front of the data", a => a.Header(In, 2).Writable(1).Writable(512).Ends(Ok, 512, 513, "Read 2+1"));
        yield return Of("an empty buffer behind the status", a => a.Header(In, 2).Writable(512).Writable(1).Writable(0).Ends(Ok, 512, 513, "Read 2+1"));
        yield return Of("a header that ends within the data", a =>
            a.Readable(BlockBench.Header(BlockRequestType.Out, 3).AsSpan(0, 7))
                .Readable([.. BlockBench.Header(BlockRequestType.Out, 3).AsSpan(7), .. new byte[500]])
                .Readable(new byte[12]).Writable(1).Ends(Ok, 0, 1, "Write 3+1"));
        yield return Of("a sector of odd pieces", a =>
            a.Header(In, 4).Writable(1).Writable(510).Writable(2).Ends(Ok, 512, 513, "Read 4+1"));
        yield return Of("a header of eight pieces, no room left for a status", a =>
        {
            for (var i = 0; i < 8; i++)
            {
                a.Readable(new byte[2]);
            }

            a.Ends(null, 0, 0);
        });
        yield return Of("a flush with a sector", a => a.Header(Flush, 99).Writable(1).Ends(Ok, 0, 1, "Flush"));
        yield return Of("a flush with data to read", a => a.Header(Flush, 0).Readable(new byte[512]).Writable(1).Ends(Ok, 0, 1, "Flush"));
        yield return Of("a flush with room for data", a => a.Header(Flush, 0).Writable(512).Writable(1).Ends(Ok, 0, 0, "Flush"));
        yield return Of("a flush that was not negotiated", a => a.Header(Flush, 0).Writable(1).Ends(Ok, 0, 1, "Flush"), refused: Mask(BlockFeature.Flush));
    }

    private static IEnumerable<HostileScenario> Answers()
    {
        foreach (var length in new[] { 0, 1, 19 })
        {
            yield return Of($"a serial number into {length} bytes", a => a.Header(GetId, 0).Writable(length).Writable(1).Ends(IoError, 0, length == 0 ? 1u : 0u));
        }

        yield return Of("a serial number into 21 bytes", a => a.Header(GetId, 0).Writable(21).Writable(1).Ends(Ok, 20, 20));
        yield return Of("a serial number into 4 KiB", a => a.Header(GetId, 0).Writable(4096).Writable(1).Ends(Ok, 20, 20));
        yield return Of("a serial number in pieces", a => a.Header(GetId, 0).Writable(3).Writable(16).Writable(2).Ends(Ok, 20, 21));
        yield return Of("a serial number with a sector and data to read", a =>
            a.Header(GetId, ulong.MaxValue).Readable(new byte[64]).Writable(20).Writable(1).Ends(Ok, 20, 21));
        yield return Of("a lifetime into 5 bytes", a => a.Header(GetLifetime, 0).Writable(5).Writable(1).Ends(IoError, 0, 0), With(Lifetime));
        yield return Of("a lifetime into 7 bytes", a => a.Header(GetLifetime, 0).Writable(7).Writable(1).Ends(Ok, 6, 6), With(Lifetime));
    }

    private static IEnumerable<HostileScenario> Ranges()
    {
        foreach (var (verb, type, name) in new[]
        {
            ("discards", Discard, "Discard"), ("zeroes", WriteZeroes, "WriteZeroes"), ("erases", SecureErase, "Write"),
        })
        {
            HostileScenario Bad(string what, BlockRequestStatus status, params (ulong, uint, uint)[] ranges) =>
                Of($"{verb} {what}", a => a.Header(type, 0).Readable(BlockBench.Ranges(ranges)).Writable(1).Ends(status, 0, 1), With(Erase));

            HostileScenario Cut(string what, int bytes) =>
                Of($"{verb} {what}", a => a.Header(type, 0).Readable(new byte[bytes]).Writable(1).Ends(IoError, 0, 1), With(Erase));

            yield return Cut("no range", 0);
            yield return Cut("a range less a byte", 15);
            yield return Cut("a range and a byte", 17);
            yield return Cut("more ranges than it may", (type == SecureErase ? 9 : 65) * 16);
            yield return Cut("a megabyte of ranges", 1 << 20);
            yield return Bad("over the end", IoError, (Sectors - 1, 2, 0));
            yield return Bad("behind the end", IoError, (Sectors, 1, 0));
            yield return Bad("where sector plus count wraps", IoError, (ulong.MaxValue, 2, 0));
            yield return Bad("more sectors than it may at once", IoError, (0, uint.MaxValue, 0));
            yield return Bad("a good range, then one over the end", IoError, (0, 1, 0), (Sectors, 1, 0));
            yield return Bad("with a flag that nobody defined", Unsupported, (0, 1, 2));
            yield return Bad("with all flags", Unsupported, (0, 1, uint.MaxValue));
            yield return Bad("a range over the end, then one with a flag that nobody defined", Unsupported, (Sectors, 1, 0), (0, 1, 0x8000_0000));
            yield return Of($"{verb} with its ranges in the wrong direction", a => a.Header(type, 0).Writable(16).Writable(1).Ends(IoError, 0, 0), With(Erase));
            yield return Of($"{verb} nothing, at the end", a =>
                a.Header(type, 0).Readable(BlockBench.Ranges((Sectors, 0, 0))).Writable(1)
                    .Ends(Ok, 0, 1, type == SecureErase ? ["Flush"] : []), With(Erase));
            yield return Of($"{verb} one range twice", a =>
                a.Header(type, 0).Readable(BlockBench.Ranges((5, 2, 0), (5, 2, 0))).Writable(1)
                    .Ends(Ok, 0, 1, type == SecureErase ? ["Write 5+2", "Write 5+2", "Flush"] : [$"{name} 5+2", $"{name} 5+2"]), With(Erase));
        }

        yield return Of("discards with unmap", a => a.Header(Discard, 0).Readable(BlockBench.Ranges((0, 1, 1))).Writable(1).Ends(Unsupported, 0, 1));
        yield return Of("erases with unmap", a =>
            a.Header(SecureErase, 0).Readable(BlockBench.Ranges((0, 1, 1))).Writable(1).Ends(Unsupported, 0, 1), With(Erase));
        yield return Of("zeroes a range in pieces of one byte each side of its sector", a =>
        {
            var range = BlockBench.Ranges((7, 1, 1));
            a.Header(WriteZeroes, 0).Readable(range.AsSpan(0, 1)).Readable(range.AsSpan(1, 7)).Readable(range.AsSpan(8)).Writable(1).Ends(Ok, 0, 1, "WriteZeroes 7+1");
        });
    }

    private static IEnumerable<HostileScenario> ReadOnlyDisk()
    {
        (string Name, uint Type, byte[] Data)[] attempts =
        [
            ("a write", Out, new byte[512]), ("a write of nothing", Out, []), ("write zeroes", WriteZeroes, BlockBench.Ranges((0, 1, 0))),
            ("a discard", Discard, BlockBench.Ranges((0, 1, 0))), ("an erase", SecureErase, BlockBench.Ranges((0, 1, 0))),
        ];
        foreach (var (name, type, data) in attempts)
        {
            var isRange = type != Out;
            yield return Of($"read-only: {name}", a => a.Header(type, 0).Readable(data).Writable(1).Ends(isRange ? Unsupported : IoError, 0, 1), With(ReadOnly));
        }

        yield return Of("read-only, and the driver did not hear of it: a write", a =>
            a.Header(Out, 0).Readable(new byte[512]).Writable(1).Ends(IoError, 0, 1), With(ReadOnly), Mask(BlockFeature.ReadOnly));
        yield return Of("read-only: a flush", a => a.Header(Flush, 0).Writable(1).Ends(Ok, 0, 1, "Flush"), With(ReadOnly));
    }

    private static IEnumerable<HostileScenario> Aliases()
    {
        yield return Of("reads over its own header", a =>
        {
            a.Header(In, 3);
            a.At(a.Buffers[0].Address, 512, true).Writable(1).Ends(Ok, 512, 513, "Read 3+1");
        });
        yield return Of("reads over its own status", a =>
        {
            a.Header(In, 3).Writable(512);
            a.At(a.Buffers[1].Address + 511, 1, true).Ends(Ok, 512, 513, "Read 3+1");
        });
        yield return Of("reads a sector twice into one place", a =>
        {
            a.Header(In, 3).Writable(512);
            a.At(a.Buffers[1].Address, 512, true).Writable(1).Ends(Ok, 1024, 1025, "Read 3+2");
        });
        yield return Of("writes its own header to the disk", a =>
        {
            a.Header(Out, 3).Readable(new byte[496]);
            a.At(a.Buffers[0].Address, 16, false).Writable(1).Ends(Ok, 0, 1, "Write 3+1");
        });
        yield return Of("has its status over its header", a =>
        {
            a.Header(Out, 3).Readable(new byte[512]);
            a.At(a.Buffers[0].Address + 8, 1, true).Ends(Ok, 0, 1, "Write 3+1");
        });
        yield return Of("zeroes ranges that its status is written over", a =>
        {
            a.Header(WriteZeroes, 0).Readable(BlockBench.Ranges((1, 1, 0), (2, 1, 0)));
            a.At(a.Buffers[1].Address + 16, 1, true).Ends(Ok, 0, 1, "WriteZeroes 1+1", "WriteZeroes 2+1");
        });
    }

    private static ulong Mask(BlockFeature feature) => 1UL << (int)feature;

    private static Func<BlockDevice, BlockDevice> With(Func<BlockDevice, BlockDevice> configure) => configure;

    private static BlockDevice Erase(BlockDevice device) => device with { SecureErase = true };

    private static BlockDevice ReadOnly(BlockDevice device) => device with { ReadOnly = true };

    private static BlockDevice Lifetime(BlockDevice device) => device with { Lifetime = () => new BlockLifetime(1, 2, 3) };

    private static HostileScenario Of(
        string name, Action<BlockAttack> attack, Func<BlockDevice, BlockDevice>? configure = null, ulong refused = 0) =>
        BlockAttack.Scenario(name, attack, configure, refused);
}
