namespace Eider.Devices.Virtio.Entropy;

/// <summary>The numbers that bound an entropy device.</summary>
public static class EntropyLimits
{
    /// <summary>Entries of the queue's ring.</summary>
    public const int QueueSize = 64;

    /// <summary>Most bytes for one request, however long its buffer is (5.4.6: fewer are allowed).</summary>
    public const int MaxRequestBytes = 64 << 10;

    /// <summary>Bytes that a throttled request waits for, unless it asks for fewer or the limit never has as many.</summary>
    public const int GrantBytes = 64;

    /// <summary>Bytes that go through the stack at a time.</summary>
    internal const int ChunkBytes = 512;
}
