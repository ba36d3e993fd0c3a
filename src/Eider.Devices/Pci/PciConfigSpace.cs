namespace Eider.Devices.Pci;

/// <summary>
/// The 256 bytes of configuration space of a function, with what each bit does when software writes it: keep its value
/// (as all do at first), take the new one, or clear where a one is written. Safe from any thread. Source: PCI Local Bus
/// 3.0, section 6.1.
/// </summary>
/// <remarks>
/// In every call <c>offset</c> counts bytes from the start of the space, <c>widthBytes</c> is 1, 2 or 4, and <c>value</c> and
/// <c>mask</c> are the bits of that register, the lowest byte first in the space. An access outside is a fault of the caller.
/// </remarks>
public sealed class PciConfigSpace
{
    /// <summary>Size in bytes.</summary>
    public const int SizeBytes = 256;

    private readonly Lock _gate = new();
    private readonly byte[] _bytes = new byte[SizeBytes];
    private readonly byte[] _writable = new byte[SizeBytes];
    private readonly byte[] _clearable = new byte[SizeBytes];
    private byte[]? _resetValues;

    /// <summary>Reads a register as software does; 1, 2 or 4 bytes, little-endian, inside of the space.</summary>
    public void Read(int offset, Span<byte> data)
    {
        lock (_gate)
        {
            _bytes.AsSpan(offset, data.Length).CopyTo(data);
        }
    }

    /// <summary>Writes a register as software does: only what is writable changes.</summary>
    /// <returns>True if anything changed.</returns>
    public bool Write(int offset, ReadOnlySpan<byte> data)
    {
        var changed = false;
        lock (_gate)
        {
            for (var i = 0; i < data.Length; i++)
            {
                var (old, at) = (_bytes[offset + i], offset + i);
                var taken = (old & ~_writable[at]) | (data[i] & _writable[at]);
                _bytes[at] = (byte)(taken & ~(data[i] & _clearable[at]));
                changed |= _bytes[at] != old;
            }
        }

        return changed;
    }

    /// <summary>A register's value: 1 to 4 bytes, little-endian.</summary>
    public uint Get(int offset, int widthBytes)
    {
        lock (_gate)
        {
            return GetLocked(offset, widthBytes);
        }
    }

    /// <summary>Sets a register as the device does, whatever software may write.</summary>
    public void Set(int offset, int widthBytes, uint value)
    {
        lock (_gate)
        {
            SetLocked(_bytes, offset, widthBytes, value);
        }
    }

    /// <summary>Changes some bits of a register as the device does, whatever software may write.</summary>
    /// <param name="offset">The register.</param>
    /// <param name="widthBytes">Its width, 1 to 4.</param>
    /// <param name="mask">Which bits.</param>
    /// <param name="value">What they become.</param>
    public void SetBits(int offset, int widthBytes, uint mask, uint value)
    {
        lock (_gate)
        {
            SetLocked(_bytes, offset, widthBytes, (GetLocked(offset, widthBytes) & ~mask) | (value & mask));
        }
    }

    /// <summary>Which bits of a register software may write; replaces what was said before.</summary>
    public void SetWritable(int offset, int widthBytes, uint mask)
    {
        lock (_gate)
        {
            SetLocked(_writable, offset, widthBytes, mask);
        }
    }

    /// <summary>Which bits of a register software clears by writing ones ("write-one-to-clear"); replaces what was said before.</summary>
    public void SetClearable(int offset, int widthBytes, uint mask)
    {
        lock (_gate)
        {
            SetLocked(_clearable, offset, widthBytes, mask);
        }
    }

    /// <summary>Makes what is stored now the state after a reset; the first call counts.</summary>
    internal void KeepResetValues()
    {
        lock (_gate)
        {
            _resetValues ??= [.. _bytes];
        }
    }

    /// <summary>Back to the state after a reset.</summary>
    internal void Reset()
    {
        lock (_gate)
        {
            _resetValues?.CopyTo(_bytes, 0);
        }
    }

    private static void SetLocked(byte[] bytes, int offset, int widthBytes, uint value)
    {
        for (var i = 0; i < widthBytes; i++)
        {
            bytes[offset + i] = (byte)((value >> (8 * i)) & 0xFF);
        }
    }

    private uint GetLocked(int offset, int widthBytes)
    {
        var value = 0U;
        for (var i = widthBytes - 1; i >= 0; i--)
        {
            value = (value << 8) | _bytes[offset + i];
        }

        return value;
    }
}
