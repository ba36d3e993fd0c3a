namespace Eider.Storage.Compression;

/// <summary>Numbers of zlib's interface (zlib.h), which zlib-ng shares.</summary>
internal static class ZlibConstants
{
    public const int Finish = 4;
    public const int Ok = 0;
    public const int StreamEnd = 1;
    public const int BufferError = -5;
    public const int Deflated = 8;
    public const int DefaultStrategy = 0;
    public const int MemoryLevel = 9;

    /// <summary>Raw deflate with distances up to 2^12, as QEMU writes it.</summary>
    public const int WriteWindowBits = -12;

    /// <summary>Raw inflate; reading in one go takes any distance that deflate knows.</summary>
    public const int ReadWindowBits = -15;

    /// <summary>True if an inflate call filled its output: at the end of the stream, or with more that is not wanted.</summary>
    public static bool IsFull(int status, uint leftBytes) =>
        leftBytes == 0 && status is (Ok or StreamEnd or BufferError);
}
