using Eider.Devices.Interrupts;
using Eider.Devices.Pci;
using Eider.Hardware.Bus;

namespace Eider.Devices.Ide;

/// <summary>
/// The CMD PCI-646U, 1095:0646 revision 7 (CMD Technology data sheet, revision 1.0): native mode, five base address registers,
/// both channels on INTA#. Linux drives it with <c>pata_cmd64x</c>.
/// </summary>
public sealed class Cmd646Ide : IdePciController
{
    // Registers in configuration space, by the names of the data sheet.
    private const int Cfr = 0x50;
    private const int Cntrl = 0x51;
    private const int FirstTiming = 0x52;
    private const int ArtTim23 = 0x57;
    private const int MrdMode = 0x71;
    private const int UdiDetCr0 = 0x73;
    private const int UdiDetCr1 = 0x7B;
    private const int EndOfOwn = 0x80;

    private const uint CfrInterrupt0 = 0x04;
    private const uint ArtTim23Interrupt1 = 0x10;
    private const uint MrdModeInterrupts = 0x0C;
    private const uint MrdModeBlocks = 0x30;
    private const uint MrdModeReadMode = 0x03;
    private const uint CntrlChannels = 0x0C;
    private const ulong ControlOffset = 2; // of the four bytes of the control block's region

    private static readonly PciRegion[] Ports =
    [
        PciRegion.Io(0, 8), PciRegion.Io(1, 4), PciRegion.Io(2, 8), PciRegion.Io(3, 4), PciRegion.Io(BusMasterRegion, BusMasterPorts),
    ];

    private readonly Lock _latchGate = new();
    private readonly InterruptOutput _pin;

    /// <summary>Makes one.</summary>
    /// <param name="primary">Devices of the primary channel.</param>
    /// <param name="secondary">Devices of the secondary channel.</param>
    /// <param name="services">What it stands on.</param>
    public Cmd646Ide(IdeChannelDevices primary, IdeChannelDevices secondary, IdeServices services)
        : base(new PciIdentity(0x1095, 0x0646, 0x01018F, 7), Ports, PciInterruptPin.A, primary, secondary, services, "cmd646")
    {
        _pin = new InterruptOutput(Interrupt);
        Config.Set(Cntrl, 1, CntrlChannels);
        Config.SetWritable(Cntrl, 1, 0xFC);
        for (var timing = FirstTiming; timing < ArtTim23; timing++)
        {
            Config.SetWritable(timing, 1, 0xFF);
        }

        Config.SetClearable(Cfr, 1, CfrInterrupt0);
        Config.SetWritable(ArtTim23, 1, 0xCC);
        Config.SetClearable(ArtTim23, 1, ArtTim23Interrupt1);
        Config.SetWritable(MrdMode, 1, MrdModeBlocks | MrdModeReadMode);
        Config.SetClearable(MrdMode, 1, MrdModeInterrupts);
        Config.SetWritable(UdiDetCr0, 1, 0xFF);
        Config.SetWritable(UdiDetCr1, 1, 0xFF);
        ReserveConfig(EndOfOwn);
    }

    /// <inheritdoc/>
    public override BusResult Reset()
    {
        var result = base.Reset();
        Update();
        return result;
    }

    /// <inheritdoc/>
    public override BusResult WriteConfig(int offset, ReadOnlySpan<byte> data)
    {
        var result = base.WriteConfig(offset, data);
        var end = offset + data.Length;
        lock (_latchGate)
        {
            if (Touches(Cfr) || Touches(ArtTim23))
            {
                var latched = (Config.Get(Cfr, 1) & CfrInterrupt0) | ((Config.Get(ArtTim23, 1) & ArtTim23Interrupt1) >> 1);
                Config.SetBits(MrdMode, 1, MrdModeInterrupts, Config.Get(MrdMode, 1) & latched);
            }
        }

        if (Touches(Cntrl))
        {
            RegionsChanged();
        }

        Update();
        return result;

        bool Touches(int register) => offset <= register && end > register;
    }

    /// <inheritdoc/>
    public override BusResult ReadRegion(int region, ulong offset, Span<byte> data) => region switch
    {
        0 or 2 => Channel(region / 2).ReadCommandBlock((int)offset, data),
        1 or 3 => offset >= ControlOffset
            ? IdeDecode.ReadControl(Channel(region / 2), offset - ControlOffset, data)
            : BusStatus.InvalidRegister,
        _ => ReadBusMaster(offset, data),
    };

    /// <inheritdoc/>
    public override BusResult WriteRegion(int region, ulong offset, ReadOnlySpan<byte> data) => region switch
    {
        0 or 2 => Channel(region / 2).WriteCommandBlock((int)offset, data),
        1 or 3 => offset >= ControlOffset
            ? IdeDecode.WriteControl(Channel(region / 2), offset - ControlOffset, data)
            : BusStatus.InvalidRegister,
        _ => WriteBusMaster(offset, data),
    };

    /// <inheritdoc/>
    protected internal override bool IsRegionEnabled(int region)
    {
        const uint Channel0 = 0x04;
        const uint Channel1 = 0x08;
        return region switch
        {
            0 or 1 => (Config.Get(Cntrl, 1) & Channel0) != 0,
            2 or 3 => (Config.Get(Cntrl, 1) & Channel1) != 0,
            _ => true,
        };
    }

    private protected override byte ReadOwnByte(int channel, int offset) =>
        (byte)Config.Get(offset == 1 ? MrdMode : channel == 0 ? UdiDetCr0 : UdiDetCr1, 1);

    // The same registers once more, with the same rules.
    private protected override void WriteOwnByte(int channel, int offset, byte value) =>
        _ = WriteConfig(offset == 1 ? MrdMode : channel == 0 ? UdiDetCr0 : UdiDetCr1, [value]);

    // A channel's interrupt is latched when INTRQ rises; software clears it, and so does the end of INTRQ.
    private protected override void ChannelInterrupted(int channel, bool level)
    {
        var bit = CfrInterrupt0 << channel;
        lock (_latchGate)
        {
            Config.SetBits(MrdMode, 1, bit, level ? bit : 0);
            Mirror();
        }

        _pin.Drive();
    }

    private void Update()
    {
        lock (_latchGate)
        {
            Mirror();
        }

        _pin.Drive();
    }

    private void Mirror()
    {
        var mode = Config.Get(MrdMode, 1);
        Config.SetBits(Cfr, 1, CfrInterrupt0, mode);
        Config.SetBits(ArtTim23, 1, ArtTim23Interrupt1, mode << 1);
        _pin.Compute((mode & ~(mode >> 2) & MrdModeInterrupts) != 0);
    }
}
