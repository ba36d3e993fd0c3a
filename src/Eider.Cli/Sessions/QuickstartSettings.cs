using Eider.Machines;

namespace Eider.Cli.Sessions;

/// <summary>What <c>eider quickstart</c> was asked for.</summary>
internal sealed record QuickstartSettings
{
    /// <summary>Memory, harts and further disks; the rest is filled in from the guest.</summary>
    public required MachineConfiguration Machine { get; init; }

    /// <summary>Command to run; null for a shell.</summary>
    public string? Command { get; init; }

    /// <summary>How the root is attached.</summary>
    public RootMode Root { get; init; }

    /// <summary>How the root disk hangs on the machine.</summary>
    public VirtioTransportKind Transport { get; init; }

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
