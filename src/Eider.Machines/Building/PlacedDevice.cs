namespace Eider.Machines.Building;

/// <summary>A range of addresses and, if it interrupts, a source, and who wants them.</summary>
/// <param name="Name">Name in messages, traces and statistics.</param>
/// <param name="Setting">Where the configuration says so, as a JSON path; null for what is fixed.</param>
/// <param name="Base">First address.</param>
/// <param name="SizeBytes">Length of the range.</param>
/// <param name="Source">Source at the interrupt controller; 0 if it does not interrupt.</param>
internal sealed record PlacedDevice(string Name, string? Setting, ulong Base, ulong SizeBytes, int Source);
