namespace Eider.Devices.Ide;

/// <summary>What stands on one channel.</summary>
/// <param name="Device0">Device 0, "master"; null if there is none.</param>
/// <param name="Device1">Device 1, "slave"; null if there is none.</param>
public sealed record IdeChannelDevices(IIdeDeviceConfig? Device0 = null, IIdeDeviceConfig? Device1 = null);
