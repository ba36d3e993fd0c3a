namespace Eider.Devices.Ide;

/// <summary>Bus Master IDE Status (SFF-8038i).</summary>
[Flags]
internal enum BusMasterStatus : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Bus Master IDE Active, R.</summary>
    Active = 0x01,

    /// <summary>Error: the memory side failed; write 1 to clear.</summary>
    Error = 0x02,

    /// <summary>Interrupt: INTRQ has risen; write 1 to clear.</summary>
    Interrupt = 0x04,

    /// <summary>Drive 0 DMA Capable: the firmware's note to the driver.</summary>
    Drive0Capable = 0x20,

    /// <summary>Drive 1 DMA Capable: the firmware's note to the driver.</summary>
    Drive1Capable = 0x40,
}
