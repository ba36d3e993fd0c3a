using Eider.Cli.Commands;
using Eider.Machines;

namespace Eider.Cli.Sessions;

/// <summary>What <c>eider quickstart</c> was asked for.</summary>
internal sealed record QuickstartSettings
{
    /// <summary>Memory and harts; the rest is filled in from the guest.</summary>
    public required MachineConfiguration Machine { get; init; }

    /// <summary>Command to run; null for a shell.</summary>
    public string? Command { get; init; }

    /// <summary>How the root is attached.</summary>
    public RootMode Root { get; init; }

    /// <summary>True if the root disk hangs on an IDE channel.</summary>
    public bool IsIde { get; init; }

    /// <summary>How the root disk hangs on the machine if it is a virtio disk.</summary>
    public VirtioTransportKind Transport { get; init; }

    /// <summary>Further disks.</summary>
    public IReadOnlyList<DiskAttachment> Attached { get; init; } = [];

    /// <summary>Discs of a CD drive, as the option has them; none for no drive.</summary>
    public IReadOnlyList<string> Discs { get; init; } = [];

    /// <summary>Kind of ring of all devices.</summary>
    public VirtioRing Ring { get; init; }

    /// <summary>Queues of the disk.</summary>
    public int Queues { get; init; } = 1;

    /// <summary>Further words for the kernel.</summary>
    public string? Append { get; init; }

    /// <summary>The user's own kernel instead of the release's.</summary>
    public string? Kernel { get; init; }

    /// <summary>The user's own initramfs instead of the one that was built.</summary>
    public string? Initrd { get; init; }

    /// <summary>The user's own root image instead of the one that was built; null for that one.</summary>
    public string? Disk { get; init; }

    /// <summary>File that keeps the disk of this run; null if it is forgotten.</summary>
    public string? Keep { get; init; }

    /// <summary>True if the kernel's messages are not shown before the shell.</summary>
    public bool Quiet { get; init; }

    /// <summary>What is reported.</summary>
    public required RunReports Reports { get; init; }
}
