namespace Eider.Hardware.Bus;

/// <summary>
/// What leaves an engine: one access, or the same access repeated as string instructions do it (<c>rep insw</c>:
/// many items, one port). A plain value over the engine's buffer.
/// </summary>
public readonly ref struct IoAccess
{
    /// <summary>Describes an access.</summary>
    /// <param name="space">Ports or memory-mapped registers.</param>
    /// <param name="address">Where; above 0xFFFF no port answers.</param>
    /// <param name="direction">Which way the bytes go.</param>
    /// <param name="sizeBytes">Width of one item, 1 to 8.</param>
    /// <param name="count">Number of items.</param>
    /// <param name="data">The items one after the other, little-endian: filled by a read, taken by a write.</param>
    /// <exception cref="ArgumentException">The buffer does not hold exactly the items.</exception>
    public IoAccess(IoSpace space, ulong address, IoDirection direction, int sizeBytes, int count, Span<byte> data)
    {
        if (sizeBytes is < 1 or > 8 || count < 0 || data.Length != (long)sizeBytes * count)
        {
            throw new ArgumentException($"{count} items of {sizeBytes} bytes do not fit a buffer of {data.Length}", nameof(data));
        }

        Space = space;
        Address = address;
        Direction = direction;
        SizeBytes = sizeBytes;
        Count = count;
        Data = data;
    }

    /// <summary>Ports or memory-mapped registers.</summary>
    public IoSpace Space { get; }

    /// <summary>Where.</summary>
    public ulong Address { get; }

    /// <summary>Which way the bytes go.</summary>
    public IoDirection Direction { get; }

    /// <summary>Width of one item.</summary>
    public int SizeBytes { get; }

    /// <summary>Number of items.</summary>
    public int Count { get; }

    /// <summary>The items.</summary>
    public Span<byte> Data { get; }

    /// <summary>The bytes of one item.</summary>
    public Span<byte> this[int item] => Data.Slice(item * SizeBytes, SizeBytes);

    /// <summary>The same access without its first items, to go on after one that was pending.</summary>
    public IoAccess Skip(int items) => new(Space, Address, Direction, SizeBytes, Count - items, Data[(items * SizeBytes)..]);
}
