using System.Globalization;

namespace Eider.Hardware.Bus;

/// <summary>A port number, or an offset, in the 16-bit port I/O space. Unit: bytes.</summary>
/// <param name="Value">The raw port.</param>
public readonly record struct PioAddress(ushort Value) : IComparable<PioAddress>
{
    /// <summary>Every raw 16-bit value is a port.</summary>
    public static implicit operator PioAddress(ushort value) => new(value);

    /// <summary>The raw value as a port.</summary>
    public static PioAddress FromUInt16(ushort value) => new(value);

    /// <summary>Narrows a 64-bit address; refuses what lies above 0xFFFF.</summary>
    public static bool TryFrom(IoAddress address, out PioAddress port)
    {
        port = new PioAddress(unchecked((ushort)address.Value));
        return address.Value <= ushort.MaxValue;
    }

    /// <summary>The port as an address of the wider space; never fails.</summary>
    public IoAddress ToIoAddress() => new(Value);

    /// <inheritdoc/>
    public int CompareTo(PioAddress other) => Value.CompareTo(other.Value);

    /// <summary>Order by raw value.</summary>
    public static bool operator <(PioAddress left, PioAddress right) => left.Value < right.Value;

    /// <summary>Order by raw value.</summary>
    public static bool operator >(PioAddress left, PioAddress right) => left.Value > right.Value;

    /// <summary>Order by raw value.</summary>
    public static bool operator <=(PioAddress left, PioAddress right) => left.Value <= right.Value;

    /// <summary>Order by raw value.</summary>
    public static bool operator >=(PioAddress left, PioAddress right) => left.Value >= right.Value;

    /// <summary>Hexadecimal: <c>0x1f0</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"0x{Value:x}");
}
