namespace Eider.Devices.Ide;

/// <summary>Sense keys (SPC-2).</summary>
internal enum SenseKey : byte
{
    /// <summary>NO SENSE.</summary>
    None = 0x0,

    /// <summary>NOT READY.</summary>
    NotReady = 0x2,

    /// <summary>MEDIUM ERROR.</summary>
    MediumError = 0x3,

    /// <summary>HARDWARE ERROR.</summary>
    HardwareError = 0x4,

    /// <summary>ILLEGAL REQUEST.</summary>
    IllegalRequest = 0x5,

    /// <summary>UNIT ATTENTION.</summary>
    UnitAttention = 0x6,
}
