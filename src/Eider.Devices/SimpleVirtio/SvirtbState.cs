namespace Eider.Devices.SimpleVirtio;

/// <summary>All that a guest sees of the device.</summary>
internal struct SvirtbState
{
    /// <summary>The status register.</summary>
    public SvirtbStatus Status;

    /// <summary>Entries of the ring.</summary>
    public uint QueueSize;

    /// <summary>Upper half of the ring's address.</summary>
    public uint QueueAddrHi;

    /// <summary>Lower half of the ring's address.</summary>
    public uint QueueAddrLo;

    /// <summary>The driver's index.</summary>
    public uint QueueHead;

    /// <summary>The device's index.</summary>
    public uint QueueTail;

    /// <summary>As after power-on and after a reset (section 2.1.2).</summary>
    public static SvirtbState Initial => new() { Status = SvirtbStatus.Magic };

    /// <summary>Guest-physical address of the ring.</summary>
    public readonly ulong QueueAddress => ((ulong)QueueAddrHi << 32) | QueueAddrLo;
}
