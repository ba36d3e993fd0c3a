using Eider.Hardware.Bus;

namespace Eider.Devices.Ide;

/// <summary>What all attachments decode alike.</summary>
internal static class IdeDecode
{
    /// <summary>Reads Alternate Status.</summary>
    public static BusStatus ReadControl(IdeChannel channel, ulong offset, Span<byte> data)
    {
        var status = CheckControl(offset, data.Length);
        if (status == BusStatus.Ok)
        {
            data[0] = channel.ReadAlternateStatus();
        }

        return status;
    }

    /// <summary>Writes Device Control.</summary>
    public static BusStatus WriteControl(IdeChannel channel, ulong offset, ReadOnlySpan<byte> data)
    {
        var status = CheckControl(offset, data.Length);
        if (status == BusStatus.Ok)
        {
            channel.WriteControl(data[0]);
        }

        return status;
    }

    private static BusStatus CheckControl(ulong offset, int length) =>
        offset != 0 ? BusStatus.InvalidRegister : length != 1 ? BusStatus.InvalidSize : BusStatus.Ok;
}
