namespace Eider.Devices.Ide;

/// <summary>A register that remembers the value before the last one (ATA/ATAPI-6: 48-bit addresses).</summary>
internal struct IdeLatch
{
    /// <summary>The last value.</summary>
    public byte Current;

    /// <summary>The one before; read with HOB.</summary>
    public byte Previous;

    /// <summary>Both, the older one as the high byte.</summary>
    public readonly int Both => (Previous << 8) | Current;

    /// <summary>Takes a value that the host writes.</summary>
    public void Push(byte value)
    {
        Previous = Current;
        Current = value;
    }
}
