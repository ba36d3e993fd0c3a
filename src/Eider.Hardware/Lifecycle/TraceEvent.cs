namespace Eider.Hardware.Lifecycle;

/// <summary>One thing that happened. A plain value: nothing is formatted unless a sink wants it.</summary>
/// <param name="Category">Which trace it belongs to.</param>
/// <param name="Source">The device or bus, such as <c>vda</c> or <c>mmio</c>.</param>
/// <param name="Operation">What happened, a constant word such as <c>read</c> or <c>flush</c>.</param>
/// <param name="Address">Address, register offset or byte offset.</param>
/// <param name="Value">Value moved, or status.</param>
/// <param name="LengthBytes">Width or length.</param>
public readonly record struct TraceEvent(
    TraceCategory Category, string Source, string Operation, ulong Address, ulong Value, uint LengthBytes);
