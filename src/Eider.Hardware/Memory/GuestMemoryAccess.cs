namespace Eider.Hardware.Memory;

/// <summary>What a lease of guest memory is for.</summary>
public enum GuestMemoryAccess
{
    /// <summary>The device reads the guest's bytes.</summary>
    Read,

    /// <summary>The device writes the guest's bytes.</summary>
    Write,
}
