namespace Eider.Devices.SimpleVirtio;

/// <summary>What an entry of the ring asks for (Simple VirtIO Block, section 2.2.1).</summary>
public enum SvirtbCommand : uint
{
    /// <summary>From the disk to guest memory.</summary>
    Read = 0,

    /// <summary>From guest memory to the disk.</summary>
    Write = 1,
}
