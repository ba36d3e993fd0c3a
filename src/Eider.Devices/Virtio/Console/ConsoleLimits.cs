namespace Eider.Devices.Virtio.Console;

/// <summary>The numbers that bound a console device.</summary>
public static class ConsoleLimits
{
    /// <summary>Most ports of a device; with the control pair they take 64 queues.</summary>
    public const int MaxPorts = 31;

    /// <summary>Length of each queue; a Linux driver puts a page into each slot of a receive queue.</summary>
    public const int QueueSize = 64;

    /// <summary>Bytes that an end of a port holds for a side that does not read, for each direction.</summary>
    public const int BufferBytes = 64 << 10;

    /// <summary>Longest name of a port, in bytes of UTF-8.</summary>
    public const int MaxNameBytes = 128;

    /// <summary>Bytes that one queue moves before other queues get their turn.</summary>
    public const int BytesPerTurn = 256 << 10;

    /// <summary>Bytes that are copied at a time.</summary>
    internal const int ChunkBytes = 2048;
}
