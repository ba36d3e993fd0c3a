namespace Eider.Compare.Processes;

/// <summary>The same machine as a command line of Eider and of its peer, QEMU with its translator (TCG).</summary>
/// <param name="context">What they are made from.</param>
public sealed class Commands(BenchContext context)
{
    private const string Qemu = "qemu-system-riscv64";

    /// <summary>A machine of Eider.</summary>
    /// <param name="machine">What it is made of.</param>
    /// <param name="statistics">Where it says what it did; null for nowhere.</param>
    public IReadOnlyList<string> Eider(LinuxMachine machine, string? statistics = null)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return
        [
            context.Eider, "run", "--memory", "512M", "--harts", $"{machine.Queues}", "--kernel", context.Guest.Kernel,
            "--initrd", machine.Initrd, "--append", machine.CommandLine,
            "--disk", $"{machine.Disk},{(machine.IsReadOnly ? "ro" : "overlay=mem")},queues={machine.Queues}",
            .. statistics is null ? (string[])[] : ["--stats", statistics],
        ];
    }

    /// <summary>The same machine of QEMU.</summary>
    /// <param name="machine">What it is made of.</param>
    public IReadOnlyList<string> QemuMachine(LinuxMachine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return
        [
            Qemu, "-M", "virt", "-accel", "tcg", "-m", "512M", "-smp", $"{machine.Queues}", "-nographic", "-no-reboot",
            "-kernel", context.Guest.Kernel, "-initrd", machine.Initrd, "-append", machine.CommandLine,
            "-drive", $"file={machine.Disk},format=raw,if=none,id=disk,{(machine.IsReadOnly ? "readonly=on" : "snapshot=on")}",
            "-device", $"virtio-blk-device,drive=disk,num-queues={machine.Queues}", "-global", "virtio-mmio.force-legacy=false",
        ];
    }

    /// <summary>A bare-metal program on QEMU.</summary>
    public static IReadOnlyList<string> QemuBare(string program) =>
        [Qemu, "-M", "virt", "-accel", "tcg", "-m", "128M", "-nographic", "-no-reboot", "-kernel", program];
}
