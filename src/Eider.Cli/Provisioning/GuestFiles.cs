namespace Eider.Cli.Provisioning;

/// <summary>A guest that is ready to boot.</summary>
/// <param name="Kernel">Flat image of the kernel.</param>
/// <param name="Initrd">Initramfs for it.</param>
/// <param name="Root">ext4 image of the root file system; not to be written.</param>
/// <param name="KernelVersion">The kernel's release.</param>
internal sealed record GuestFiles(string Kernel, string Initrd, string Root, string KernelVersion);
