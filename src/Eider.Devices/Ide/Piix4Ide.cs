using Eider.Hardware.Interrupts;

namespace Eider.Devices.Ide;

/// <summary>The IDE function of the PIIX4, 8086:7111: as the PIIX3, and the registers of Ultra DMA.</summary>
public sealed class Piix4Ide : PiixIde
{
    private const int UltraDmaControl = 0x48;
    private const int UltraDmaTiming = 0x4A;

    /// <summary>Makes one.</summary>
    /// <param name="primary">Devices of the primary channel.</param>
    /// <param name="secondary">Devices of the secondary channel.</param>
    /// <param name="services">What it stands on.</param>
    /// <param name="primaryLine">IRQ 14.</param>
    /// <param name="secondaryLine">IRQ 15.</param>
    public Piix4Ide(
        IdeChannelDevices primary, IdeChannelDevices secondary, IdeServices services, IInterruptLine primaryLine, IInterruptLine secondaryLine)
        : base(0x7111, primary, secondary, services, primaryLine, secondaryLine, "piix4")
    {
        Config.SetWritable(UltraDmaControl, 1, 0x0F);
        Config.SetWritable(UltraDmaTiming, 2, 0x3333);
    }
}
