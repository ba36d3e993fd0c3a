namespace Eider.Machines;

/// <summary>A bug of Eider that stopped a machine; the process lives on.</summary>
/// <param name="Where">What failed: the hart loop, or a worker.</param>
/// <param name="Exception">What it threw.</param>
/// <param name="RetiredInstructions">How far the machine had come.</param>
/// <param name="TimeUtc">When.</param>
public sealed record MachineFault(string Where, Exception Exception, ulong RetiredInstructions, DateTimeOffset TimeUtc);
