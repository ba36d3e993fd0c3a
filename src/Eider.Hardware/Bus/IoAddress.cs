using System.Globalization;

namespace Eider.Hardware.Bus;

/// <summary>An address, or an offset, in the 64-bit memory-mapped I/O space. Unit: bytes.</summary>
/// <param name="Value">The raw address.</param>
public readonly record struct IoAddress(ulong Value) : IComparable<IoAddress>
{
    /// <summary>Every raw value is an address of this space.</summary>
    public static implicit operator IoAddress(ulong value) => new(value);

    /// <summary>The raw value as an address.</summary>
    public static IoAddress FromUInt64(ulong value) => new(value);

    /// <inheritdoc/>
    public int CompareTo(IoAddress other) => Value.CompareTo(other.Value);

    /// <summary>Order by raw value.</summary>
    public static bool operator <(IoAddress left, IoAddress right) => left.Value < right.Value;

    /// <summary>Order by raw value.</summary>
    public static bool operator >(IoAddress left, IoAddress right) => left.Value > right.Value;

    /// <summary>Order by raw value.</summary>
    public static bool operator <=(IoAddress left, IoAddress right) => left.Value <= right.Value;

    /// <summary>Order by raw value.</summary>
    public static bool operator >=(IoAddress left, IoAddress right) => left.Value >= right.Value;

    /// <summary>Hexadecimal, as addresses are written in this project: <c>0x1000</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"0x{Value:x}");
}
