using Eider.Hardware.Bus;

namespace Eider.Testing.Hardware;

/// <summary>One access as a <see cref="FakeDevice"/> saw it.</summary>
/// <param name="Space">Ports or memory-mapped registers.</param>
/// <param name="Direction">Which way.</param>
/// <param name="RangeBase">Start of the range.</param>
/// <param name="Offset">Distance from it.</param>
/// <param name="LengthBytes">Width.</param>
/// <param name="Value">What was written, little-endian; 0 for a read.</param>
public readonly record struct FakeAccess(
    IoSpace Space, IoDirection Direction, ulong RangeBase, ulong Offset, int LengthBytes, ulong Value);
