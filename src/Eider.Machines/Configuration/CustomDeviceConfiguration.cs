using Eider.Devices.Virtio;

namespace Eider.Machines;

/// <summary>A virtio device of the caller's own.</summary>
public sealed record CustomDeviceConfiguration : VirtioDeviceConfiguration
{
    /// <summary>Makes the device.</summary>
    public required IVirtioDeviceConfig Device { get; set; }

    /// <summary>Name in traces and statistics; null for <c>virtioN</c>.</summary>
    public string? Name { get; set; }
}
