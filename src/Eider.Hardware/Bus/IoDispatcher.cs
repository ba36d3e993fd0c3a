namespace Eider.Hardware.Bus;

/// <summary>Hands what leaves an engine to the bus, and repeats string I/O on its one address.</summary>
/// <param name="manager">The bus.</param>
public sealed class IoDispatcher(IoManager manager)
{
    /// <summary>
    /// Runs an access item by item, in order. A failed item reads ones or is dropped, and the next one follows.
    /// </summary>
    /// <param name="access">The access.</param>
    /// <param name="completed">
    /// Items that are done. Less than all only if the answer is <see cref="BusStatus.Pending"/>: then the item with
    /// this number waits. Its hart waits too, puts <see cref="PendingAccess.Value"/> into the item if it was a read,
    /// and goes on with <see cref="IoAccess.Skip"/> of one more.
    /// </param>
    /// <returns>Ok, pending, or the status of the first item that failed.</returns>
    public BusResult Dispatch(in IoAccess access, out int completed)
    {
        var result = BusResult.Ok;
        for (completed = 0; completed < access.Count; completed++)
        {
            var item = DispatchOne(access, access[completed]);
            if (item.Status == BusStatus.Pending)
            {
                return item;
            }

            if (result.Status == BusStatus.Ok)
            {
                result = item;
            }
        }

        return result;
    }

    private BusResult DispatchOne(in IoAccess access, Span<byte> item) => (access.Space, access.Direction) switch
    {
        (IoSpace.Mmio, IoDirection.Read) => manager.MmioRead(access.Address, item),
        (IoSpace.Mmio, _) => manager.MmioWrite(access.Address, item),
        (_, IoDirection.Read) when PioAddress.TryFrom(access.Address, out var port) => manager.PioRead(port, item),
        (_, IoDirection.Write) when PioAddress.TryFrom(access.Address, out var port) => manager.PioWrite(port, item),
        _ => NoSuchPort(access.Direction, item),
    };

    private static BusResult NoSuchPort(IoDirection direction, Span<byte> item)
    {
        if (direction == IoDirection.Read)
        {
            item.Fill(0xFF);
        }

        return BusStatus.NoDevice;
    }
}
