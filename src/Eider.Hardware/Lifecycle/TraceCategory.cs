namespace Eider.Hardware.Lifecycle;

/// <summary>What a trace may show; each is switched on by itself (<c>--trace pio,mmio,virtio,blk</c>).</summary>
[Flags]
public enum TraceCategory
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Port accesses.</summary>
    Pio = 1,

    /// <summary>Memory-mapped register accesses.</summary>
    Mmio = 2,

    /// <summary>Virtio status changes, notifications and descriptor chains.</summary>
    Virtio = 4,

    /// <summary>Block requests.</summary>
    Block = 8,
}
