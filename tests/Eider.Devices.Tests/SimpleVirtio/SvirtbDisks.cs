using Eider.Devices.Tests.Ide;
using Eider.Devices.Tests.Virtio.Block;
using Eider.Testing.SimpleVirtio;

namespace Eider.Devices.Tests.SimpleVirtio;

/// <summary>Disks and places of the tests of Simple VirtIO Block.</summary>
internal static class SvirtbDisks
{
    /// <summary>A disk whose sectors tell their numbers.</summary>
    public static ScriptedStorage Numbered(int sectors) => new(IdeDisks.Content(sectors));

    /// <summary>KeOS's disk: 1074 bytes, so two sectors and 50 bytes.</summary>
    public static ScriptedStorage Keos() => new(IdeDisks.Content(3)[..1074]);

    /// <summary>Guest-physical address of a buffer of a sector.</summary>
    public static ulong Buffer(int index) => SvirtbBench.Buffers + ((ulong)index * 512);
}
