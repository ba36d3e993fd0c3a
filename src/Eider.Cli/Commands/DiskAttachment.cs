using Eider.Cli.Errors;
using Eider.Devices.Ide;
using Eider.Machines;

namespace Eider.Cli.Commands;

/// <summary>A disk and what it hangs on.</summary>
/// <param name="Disk">The disk.</param>
/// <param name="IsIde">True if it hangs on an IDE channel, and not on a virtio transport of its own.</param>
internal sealed record DiskAttachment(DiskConfiguration Disk, bool IsIde)
{
    /// <summary>Adds it to a machine, behind the disks that are there.</summary>
    /// <exception cref="CliException">Two of its settings do not fit together.</exception>
    public void AddTo(MachineConfiguration machine)
    {
        if (IsIde)
        {
            AddToIde(machine, IdeDeviceConfiguration.FromDisk(Disk));
        }
        else
        {
            machine.Disks = [.. machine.Disks, Disk];
        }
    }

    /// <summary>
    /// Adds a device to the first CMD646 that has room, or to a new one: disks from the primary channel on, as Linux counts them,
    /// CD drives from the secondary one on, where no disk waits for them.
    /// </summary>
    public static void AddToIde(MachineConfiguration machine, IdeDeviceConfiguration device)
    {
        var controller = machine.Ide.FirstOrDefault(HasRoom);
        if (controller is null)
        {
            machine.Ide = [.. machine.Ide, controller = new IdeConfiguration()];
        }

        var isSecondaryFirst = device.Type == IdeDeviceKind.Cdrom;
        if (isSecondaryFirst ? controller.Secondary.Count < IdeLimits.DevicesPerChannel : controller.Primary.Count == IdeLimits.DevicesPerChannel)
        {
            controller.Secondary = [.. controller.Secondary, device];
        }
        else
        {
            controller.Primary = [.. controller.Primary, device];
        }
    }

    private static bool HasRoom(IdeConfiguration controller) =>
        controller.Controller == IdeControllerKind.Cmd646
        && (controller.Primary.Count < IdeLimits.DevicesPerChannel || controller.Secondary.Count < IdeLimits.DevicesPerChannel);
}
