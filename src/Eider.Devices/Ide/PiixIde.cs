using Eider.Devices.Pci;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;

namespace Eider.Devices.Ide;

/// <summary>
/// The IDE function of Intel's PIIX3 and PIIX4 (82371FB/SB, order 290550; 82371AB, order 290562): legacy ports, IRQ 14 and 15,
/// bus masters at BAR4. After a reset both channels are decoded, as the firmware of a PC leaves them.
/// </summary>
public abstract class PiixIde : IdePciController
{
    private const int PrimaryTiming = 0x40;
    private const int TimingBytes = 2;
    private const int SlaveTiming = 0x44;
    private const uint DecodeEnable = 0x8000;
    private const int PrimaryCommand = 6;
    private const int PrimaryControl = 7;
    private const int SecondaryCommand = 8;
    private const int SecondaryControl = 9;

    private static readonly PciRegion[] Ports =
    [
        PciRegion.FixedPorts(PrimaryCommand, 0x1F0, 8),
        PciRegion.FixedPorts(PrimaryControl, 0x3F6, 1),
        PciRegion.FixedPorts(SecondaryCommand, 0x170, 8),
        PciRegion.FixedPorts(SecondaryControl, 0x376, 1),
        PciRegion.Io(BusMasterRegion, BusMasterPorts),
    ];

    private readonly IInterruptLine[] _lines;

    private protected PiixIde(
        ushort deviceId, IdeChannelDevices primary, IdeChannelDevices secondary, IdeServices services,
        IInterruptLine primaryLine, IInterruptLine secondaryLine, string name)
        : base(new PciIdentity(0x8086, deviceId, 0x010180), Ports, PciInterruptPin.None, primary, secondary, services, name)
    {
        ArgumentNullException.ThrowIfNull(primaryLine);
        ArgumentNullException.ThrowIfNull(secondaryLine);
        _lines = [primaryLine, secondaryLine];
        for (var channel = 0; channel < 2; channel++)
        {
            Config.Set(PrimaryTiming + (TimingBytes * channel), TimingBytes, DecodeEnable);
            Config.SetWritable(PrimaryTiming + (TimingBytes * channel), TimingBytes, 0xFFFF);
        }

        Config.SetWritable(SlaveTiming, 1, 0xFF);
        ReserveConfig(0x4C);
    }

    /// <inheritdoc/>
    public override BusResult WriteConfig(int offset, ReadOnlySpan<byte> data)
    {
        var result = base.WriteConfig(offset, data);
        if (offset < SlaveTiming && offset + data.Length > PrimaryTiming)
        {
            RegionsChanged();
        }

        return result;
    }

    /// <inheritdoc/>
    public override BusResult ReadRegion(int region, ulong offset, Span<byte> data) => region switch
    {
        PrimaryCommand => Channel(0).ReadCommandBlock((int)offset, data),
        PrimaryControl => IdeDecode.ReadControl(Channel(0), offset, data),
        SecondaryCommand => Channel(1).ReadCommandBlock((int)offset, data),
        SecondaryControl => IdeDecode.ReadControl(Channel(1), offset, data),
        _ => ReadBusMaster(offset, data),
    };

    /// <inheritdoc/>
    public override BusResult WriteRegion(int region, ulong offset, ReadOnlySpan<byte> data) => region switch
    {
        PrimaryCommand => Channel(0).WriteCommandBlock((int)offset, data),
        PrimaryControl => IdeDecode.WriteControl(Channel(0), offset, data),
        SecondaryCommand => Channel(1).WriteCommandBlock((int)offset, data),
        SecondaryControl => IdeDecode.WriteControl(Channel(1), offset, data),
        _ => WriteBusMaster(offset, data),
    };

    /// <inheritdoc/>
    protected internal override bool IsRegionEnabled(int region)
    {
        var channel = region is SecondaryCommand or SecondaryControl ? 1 : 0;
        return region == BusMasterRegion
            || (Config.Get(PrimaryTiming + (TimingBytes * channel), TimingBytes) & DecodeEnable) != 0;
    }

    private protected override void ChannelInterrupted(int channel, bool level) => _lines[channel].SetLevel(level);
}
