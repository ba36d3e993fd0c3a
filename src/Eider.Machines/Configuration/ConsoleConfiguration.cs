using System.ComponentModel;
using System.Text.Json.Serialization;
using Eider.Devices.Virtio;

namespace Eider.Machines;

/// <summary>
/// A virtio console. Its terminal (<c>hvc0</c> in the guest) is a <see cref="MachineConsole"/> of the machine, unless
/// <see cref="Device"/> says otherwise.
/// </summary>
public sealed record ConsoleConfiguration : VirtioDeviceConfiguration
{
    /// <summary>Further ports over files.</summary>
    [Description("Further ports, over files of the host.")]
    public IReadOnlyList<ConsolePortConfiguration> Ports { get; set; } = [];

    /// <summary>The caller's own console device, with streams or host ends; replaces the rest.</summary>
    [JsonIgnore]
    public IVirtioDeviceConfig? Device { get; set; }
}
