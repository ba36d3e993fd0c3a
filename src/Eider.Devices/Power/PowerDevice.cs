using System.Buffers.Binary;
using Eider.Hardware.Bus;
using Eider.Hardware.Lifecycle;

namespace Eider.Devices.Power;

/// <summary>
/// The power switch: SiFive's test finisher, which Linux also drives as a syscon with poweroff and reboot
/// nodes. It has no state; it reads 0. Takes 16-bit and 32-bit accesses.
/// </summary>
/// <param name="sink">Where the guest's wishes go.</param>
public sealed class PowerDevice(IPowerSink sink) : IDeviceIo
{
    /// <summary>Size of the register range in bytes.</summary>
    public const ulong SizeBytes = 0x1000;

    /// <inheritdoc/>
    public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data)
    {
        var status = Check(offset.Value, data.Length);
        if (status == BusStatus.Ok)
        {
            data.Clear();
        }

        return status;
    }

    /// <inheritdoc/>
    public BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data)
    {
        var status = Check(offset.Value, data.Length);
        if (status == BusStatus.Ok)
        {
            var code = data.Length == 4 ? BinaryPrimitives.ReadUInt16LittleEndian(data[2..]) : 0;
            Execute((PowerCommand)BinaryPrimitives.ReadUInt16LittleEndian(data), code);
        }

        return status;
    }

    private static BusStatus Check(ulong offset, int length) =>
        length is not (2 or 4) ? BusStatus.InvalidSize
        : offset != (uint)PowerRegister.Finisher ? BusStatus.InvalidRegister
        : BusStatus.Ok;

    private void Execute(PowerCommand command, int code)
    {
        switch (command)
        {
            case PowerCommand.Pass:
                sink.Request(new PowerRequest(PowerRequestKind.Shutdown));
                break;
            case PowerCommand.Fail:
                sink.Request(new PowerRequest(PowerRequestKind.Shutdown, code));
                break;
            case PowerCommand.Reset:
                sink.Request(new PowerRequest(PowerRequestKind.Restart));
                break;
            default:
                break; // anything else does nothing, as on the chip
        }
    }
}
