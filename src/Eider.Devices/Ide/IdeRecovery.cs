namespace Eider.Devices.Ide;

/// <summary>What made a device give up a command, and so how it comes back.</summary>
internal enum IdeRecovery
{
    /// <summary>SRST: back with the signature.</summary>
    SoftReset,

    /// <summary>The reset line of the cable: back as after power-on.</summary>
    HardReset,

    /// <summary>DEVICE RESET: back with the signature, without an interrupt.</summary>
    DeviceReset,

    /// <summary>The bus master was stopped: the command is over, without an interrupt.</summary>
    DmaStopped,
}
