using Eider.Devices.Ide;
using Eider.Devices.Tests.Virtio.Block;
using Eider.Storage;
using Eider.Testing.Ide;

namespace Eider.Devices.Tests.Ide;

/// <summary>Disks whose content tells where it lies.</summary>
internal static class IdeDisks
{
    public const int Sectors = 8192;

    /// <summary>A storage where every sector holds its number and then bytes made of it.</summary>
    public static ScriptedStorage Numbered(int sectors = Sectors, BlockGeometry? geometry = null) =>
        new(Content(sectors), geometry);

    public static byte[] Content(int sectors, int first = 0)
    {
        var content = new byte[sectors * 512];
        for (var i = 0; i < content.Length; i++)
        {
            var sector = first + (i / 512);
            content[i] = unchecked((byte)((i % 512) switch
            {
                0 => sector,
                1 => sector >> 8,
                2 => sector >> 16,
                _ => (sector * 7) + (i % 512),
            }));
        }

        return content;
    }

    public static IdeDisk Disk(BlockStorage storage) => new() { Storage = storage, Serial = "SER-1", Model = "MODEL-1", Firmware = "1.0" };

    public static IdeTestBench Bench(BlockStorage storage) => new(Disk(storage));
}
