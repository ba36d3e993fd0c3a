namespace Eider.Machines.Building;

/// <summary>A virtio device of a configuration.</summary>
/// <param name="Device">Its settings.</param>
/// <param name="Name">Name in messages, traces and statistics.</param>
/// <param name="Setting">Where the configuration says so, as a JSON path.</param>
internal sealed record VirtioEntry(VirtioDeviceConfiguration Device, string Name, string Setting);
