using Eider.Devices.BlockIo;
using Eider.Devices.Ide;
using Eider.Devices.Serial;
using Eider.Devices.SimpleVirtio;
using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Lifecycle;
using Eider.Hardware.Memory;
using Eider.Hardware.Time;
using Eider.Storage;

namespace Eider.Machines.Building;

/// <summary>What a machine is made of, and in which order it is taken apart.</summary>
internal sealed class MachineParts
{
    public required GuestRam Ram { get; init; }

    public required Timebase Timebase { get; init; }

    public required IExecutor Executor { get; init; }

    public required ICpuEngine Engine { get; init; }

    /// <summary>The devices, in the order in which they were made.</summary>
    public required DeviceManager Board { get; init; }

    public required Uart16550 Uart { get; init; }

    public required ConsoleSerialPeer SerialPeer { get; init; }

    public required IReadOnlyList<VirtioTransport> Virtio { get; init; }

    /// <summary>The IDE channels, controller by controller.</summary>
    public required IReadOnlyList<IdeChannel> Ide { get; init; }

    /// <summary>The BIO devices.</summary>
    public required IReadOnlyList<BioDevice> Bio { get; init; }

    /// <summary>The CD drives on them, in the same order.</summary>
    public required IReadOnlyList<MachineCdDrive> CdDrives { get; init; }

    public required IReadOnlyList<SimpleVirtioBlock> Svirtb { get; init; }

    /// <summary>The storages of the disks, in their order, then those of IDE devices and of Simple VirtIO Block; those in <see cref="OwnedDisks"/> are closed with the machine.</summary>
    public required IReadOnlyList<BlockStorage> Disks { get; init; }

    public required IReadOnlyList<BlockStorage> OwnedDisks { get; init; }

    public required IReadOnlyList<MachineConsole> Consoles { get; init; }

    /// <summary>What else is to be closed: streams of console ports.</summary>
    public required IReadOnlyList<IDisposable> Files { get; init; }
}
