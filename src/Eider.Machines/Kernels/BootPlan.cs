namespace Eider.Machines.Kernels;

/// <summary>What lies where in RAM when the harts begin.</summary>
/// <param name="EntryPoint">Guest-physical address of the first instruction.</param>
/// <param name="Mode">The mode of the harts.</param>
/// <param name="DeviceTreeAddress">Guest-physical address of the device tree.</param>
/// <param name="Initrd">The initial ramdisk; null without one.</param>
public sealed record BootPlan(
    ulong EntryPoint, BootMode Mode, ulong DeviceTreeAddress, (ulong Base, ulong SizeBytes)? Initrd);
