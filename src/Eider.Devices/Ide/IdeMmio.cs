using Eider.Hardware.Bus;

namespace Eider.Devices.Ide;

/// <summary>
/// A channel in memory, as Linux's <c>pata_of_platform</c> takes it (<c>compatible = "ata-generic"</c>): registers at distances of
/// 1, 2, 4 or 8 bytes, Device Control in a block of its own. PIO only; the data port takes 16 and 32 bits.
/// </summary>
public sealed class IdeMmio : IDeviceIo, IAsyncDisposable
{
    /// <summary>Size of the register range in bytes.</summary>
    public const ulong SizeBytes = 0x1000;

    /// <summary>Where the control block is in it, in bytes.</summary>
    public const ulong ControlOffset = 0x800;

    /// <summary>The largest distance of two registers, as a power of two.</summary>
    public const int MaxRegisterShift = 3;

    private readonly int _shift;

    /// <summary>Puts a channel into memory.</summary>
    /// <param name="channel">The channel; disposed of with the device.</param>
    /// <param name="registerShift">Distance of two registers, as a power of two: 0 to 3.</param>
    /// <exception cref="ArgumentOutOfRangeException">No such distance.</exception>
    public IdeMmio(IdeChannel channel, int registerShift)
    {
        ArgumentNullException.ThrowIfNull(channel);
        ArgumentOutOfRangeException.ThrowIfNegative(registerShift);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(registerShift, MaxRegisterShift);
        Channel = channel;
        _shift = registerShift;
    }

    /// <summary>The channel.</summary>
    public IdeChannel Channel { get; }

    /// <summary>Size of the command block in bytes.</summary>
    public static ulong CommandBlockBytes(int registerShift) => 8UL << registerShift;

    /// <inheritdoc/>
    public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data) =>
        offset.Value >= ControlOffset ? IdeDecode.ReadControl(Channel, offset.Value - ControlOffset, data)
        : TryGetRegister(offset.Value, out var register) ? Channel.ReadCommandBlock(register, data)
        : BusStatus.InvalidRegister;

    /// <inheritdoc/>
    public BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data) =>
        offset.Value >= ControlOffset ? IdeDecode.WriteControl(Channel, offset.Value - ControlOffset, data)
        : TryGetRegister(offset.Value, out var register) ? Channel.WriteCommandBlock(register, data)
        : BusStatus.InvalidRegister;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => Channel.DisposeAsync();

    private bool TryGetRegister(ulong offset, out int register)
    {
        register = (int)(offset >> _shift);
        return offset < CommandBlockBytes(_shift) && ((ulong)register << _shift) == offset;
    }
}
