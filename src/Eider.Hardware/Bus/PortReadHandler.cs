namespace Eider.Hardware.Bus;

/// <summary>Answers a read of one width at one port of a <see cref="PortTable"/>.</summary>
/// <param name="port">The port itself, not an offset.</param>
/// <returns>The value, in the low bits.</returns>
public delegate uint PortReadHandler(PioAddress port);
