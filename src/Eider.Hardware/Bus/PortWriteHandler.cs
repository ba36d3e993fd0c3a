namespace Eider.Hardware.Bus;

/// <summary>Takes a write of one width at one port of a <see cref="PortTable"/>.</summary>
/// <param name="port">The port itself, not an offset.</param>
/// <param name="value">The value, in the low bits.</param>
public delegate void PortWriteHandler(PioAddress port, uint value);
