namespace Eider.Compare.Processes;

/// <summary>A machine that boots Linux, whoever runs it: 512 MiB of RAM, one disk.</summary>
/// <param name="Initrd">The initramfs.</param>
/// <param name="Disk">The disk's image.</param>
/// <param name="CommandLine">The kernel's command line.</param>
public sealed record LinuxMachine(string Initrd, string Disk, string CommandLine)
{
    /// <summary>Queues of the disk; as many harts.</summary>
    public int Queues { get; init; } = 1;

    /// <summary>True for a disk that cannot be written, false for one whose writes are forgotten.</summary>
    public bool IsReadOnly { get; init; }
}
