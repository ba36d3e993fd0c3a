namespace Eider.Devices.Virtio.Block;

/// <summary>When a completed write is durable (virtio 1.3, 5.2.6.2).</summary>
public enum BlockCacheMode
{
    /// <summary>
    /// After the next flush, if the driver knows how to flush; else, or once the driver wrote 0 to
    /// <c>writeback</c>, before the write completes.
    /// </summary>
    Writeback,

    /// <summary>Before the write completes, unless the driver writes 1 to <c>writeback</c>.</summary>
    Writethrough,
}
