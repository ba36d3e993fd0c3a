using Eider.Hardware.Interrupts;

namespace Eider.Devices.Ide;

/// <summary>The IDE function of the PIIX3, 8086:7010.</summary>
/// <param name="primary">Devices of the primary channel.</param>
/// <param name="secondary">Devices of the secondary channel.</param>
/// <param name="services">What it stands on.</param>
/// <param name="primaryLine">IRQ 14.</param>
/// <param name="secondaryLine">IRQ 15.</param>
public sealed class Piix3Ide(
    IdeChannelDevices primary, IdeChannelDevices secondary, IdeServices services, IInterruptLine primaryLine, IInterruptLine secondaryLine)
    : PiixIde(0x7010, primary, secondary, services, primaryLine, secondaryLine, "piix3");
