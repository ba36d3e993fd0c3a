using System.Globalization;

namespace Eider.Storage.Layers;

/// <summary>One request that ended.</summary>
/// <param name="Number">Counted from 1 in the order of the calls.</param>
/// <param name="Time">When it was called, since the layer was made.</param>
/// <param name="Duration">How long it took.</param>
/// <param name="Operation">What was asked.</param>
/// <param name="OffsetBytes">Where; 0 for a flush.</param>
/// <param name="LengthBytes">How much; 0 for a flush.</param>
/// <param name="Result">How it ended, unless it failed.</param>
/// <param name="Failure">What failed; null if nothing did.</param>
public readonly record struct BlockTraceEntry(
    long Number, TimeSpan Time, TimeSpan Duration, BlockOperation Operation, long OffsetBytes, long LengthBytes, BlockResult Result,
    string? Failure)
{
    /// <summary>As one line: number, time and duration in microseconds, operation, offset, length, outcome.</summary>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Number} {Time.TotalMicroseconds:F0} {Duration.TotalMicroseconds:F0} {Operation} {OffsetBytes} {LengthBytes} {Failure ?? Result.ToString()}");
}
