namespace Eider.Hardware.Bus;

/// <summary>Which way the bytes of an access go.</summary>
public enum IoDirection
{
    /// <summary>From the device to the guest.</summary>
    Read,

    /// <summary>From the guest to the device.</summary>
    Write,
}
