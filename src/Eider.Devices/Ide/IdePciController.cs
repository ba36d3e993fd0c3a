using Eider.Devices.Pci;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;

namespace Eider.Devices.Ide;

/// <summary>A PCI function with two channels and their bus masters (SFF-8038i); its kinds differ in where registers are and how they interrupt.</summary>
public abstract class IdePciController : PciFunction, IAsyncDisposable
{
    /// <summary>The region of both bus masters: BAR4, 16 ports.</summary>
    private protected const int BusMasterRegion = 4;

    /// <summary>Ports of both bus masters.</summary>
    private protected const int BusMasterPorts = 16;

    private const int BusMasterBytes = 8;
    private const int TableOffset = 4;
    private readonly IdeChannel[] _channels;

    private protected IdePciController(
        PciIdentity identity, IReadOnlyList<PciRegion> regions, PciInterruptPin pin,
        IdeChannelDevices primary, IdeChannelDevices secondary, IdeServices services, string name)
        : base(identity, regions, pin)
    {
        ArgumentNullException.ThrowIfNull(primary);
        ArgumentNullException.ThrowIfNull(secondary);
        ArgumentNullException.ThrowIfNull(services);
        const uint Status = (uint)(PciStatus.FastBackToBack | PciStatus.DevselMedium);
        Config.SetBits((int)PciRegister.Status, 2, Status, Status);
        var gated = services with { Memory = new BusMasterMemory(services.Memory, this) };
        _channels =
        [
            new IdeChannel(name + ".0", primary.Device0, primary.Device1, gated, new ChannelLine(this, 0)),
            new IdeChannel(name + ".1", secondary.Device0, secondary.Device1, gated, new ChannelLine(this, 1)),
        ];
    }

    /// <summary>The primary channel and the secondary one.</summary>
    public IReadOnlyList<IdeChannel> Channels => _channels;

    /// <summary>One of them.</summary>
    private protected IdeChannel Channel(int number) => _channels[number];

    /// <inheritdoc/>
    public override BusResult Reset()
    {
        var result = base.Reset();
        Array.ForEach(_channels, static channel => channel.Reset());
        return result;
    }

    /// <inheritdoc/>
    public override BusResult WriteConfig(int offset, ReadOnlySpan<byte> data)
    {
        var result = base.WriteConfig(offset, data);
        if (offset <= (int)PciRegister.Command && !IsBusMaster)
        {
            Array.ForEach(_channels, static channel => channel.FinishMove());
        }

        return result;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var channel in _channels)
        {
            await channel.DisposeAsync().ConfigureAwait(false);
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>A channel's INTRQ changed.</summary>
    private protected abstract void ChannelInterrupted(int channel, bool level);

    /// <summary>Reads a byte of the controller's own among the bus master's: 1 or 3.</summary>
    private protected virtual byte ReadOwnByte(int channel, int offset) => 0;

    /// <summary>Writes a byte of the controller's own among the bus master's: 1 or 3.</summary>
    private protected virtual void WriteOwnByte(int channel, int offset, byte value)
    {
    }

    // Command and Status are bytes: wider accesses read ones and are dropped. The table pointer takes any width.
    private protected BusResult ReadBusMaster(ulong offset, Span<byte> data)
    {
        var (channel, at) = ((int)offset / BusMasterBytes, (int)offset % BusMasterBytes);
        if (!IsTaken(at, data.Length))
        {
            return BusStatus.InvalidSize;
        }

        for (var i = 0; i < data.Length; i++)
        {
            data[i] = IsOwn(at + i) ? ReadOwnByte(channel, at + i) : _channels[channel].ReadBusMaster(at + i);
        }

        return BusResult.Ok;
    }

    private protected BusResult WriteBusMaster(ulong offset, ReadOnlySpan<byte> data)
    {
        var (channel, at) = ((int)offset / BusMasterBytes, (int)offset % BusMasterBytes);
        if (!IsTaken(at, data.Length))
        {
            return BusStatus.InvalidSize;
        }

        for (var i = 0; i < data.Length; i++)
        {
            if (IsOwn(at + i))
            {
                WriteOwnByte(channel, at + i, data[i]);
            }
            else
            {
                _channels[channel].WriteBusMaster(at + i, data[i]);
            }
        }

        return BusResult.Ok;
    }

    private static bool IsOwn(int offset) => offset is 1 or 3;

    private static bool IsTaken(int offset, int length) =>
        length == 1 || (offset >= TableOffset && offset + length <= BusMasterBytes);

    private sealed class ChannelLine(IdePciController owner, int channel) : IInterruptLine
    {
        public void SetLevel(bool level) => owner.ChannelInterrupted(channel, level);
    }
}
