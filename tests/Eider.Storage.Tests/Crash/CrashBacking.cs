using Eider.ImageWorker;

namespace Eider.Storage.Tests.Crash;

/// <summary>The images that lie behind an image, by the names that it has for them.</summary>
internal static class CrashBacking
{
    /// <summary>A short name, one that runs over the first sector of the header, and a long one.</summary>
    public static readonly string[] Names = ["/a", "/" + new string('b', 90), "/" + new string('c', 700)];

    /// <summary>The bytes of one of them; somewhat longer than the image at its beginning.</summary>
    public static byte[] Content(int number) => Content(TagOf(number));

    /// <summary>What every sector of one of them has.</summary>
    public static uint TagOf(int number) => DiskModel.FirstBacking + (uint)number;

    /// <summary>The number of a name; none is none.</summary>
    public static int? NumberOf(string? name) => name == null ? -1 : Array.IndexOf(Names, name) is >= 0 and var number ? number : null;

    private static byte[] Content(uint tag) => TaggedSectors.Content(0, CrashScenario.MaxSectors, tag);
}
