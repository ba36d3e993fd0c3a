using System.ComponentModel;

namespace Eider.Machines;

/// <summary>A virtio entropy device.</summary>
public sealed record EntropyConfiguration : VirtioDeviceConfiguration
{
    /// <summary>Most bytes a second; null for as many as the guest likes.</summary>
    [Description("Most bytes a second; unlimited by default.")]
    public long? BytesPerSecond { get; set; }
}
