using System.Text.Json;

namespace Eider.Machines;

/// <summary>What a machine did so far.</summary>
/// <param name="Instructions">Instructions retired by all harts.</param>
/// <param name="EngineCpuSeconds">CPU time of the threads that run harts, in seconds.</param>
/// <param name="WallSeconds">Time since the machine started, until it ended, in seconds.</param>
/// <param name="FirstInstructionMs">From the start of the process to the first instruction, in milliseconds; null before it.</param>
/// <param name="Devices">The devices that count something.</param>
public sealed record MachineStatistics(
    ulong Instructions,
    double EngineCpuSeconds,
    double WallSeconds,
    double? FirstInstructionMs,
    IReadOnlyList<MachineDeviceStatistics> Devices)
{
    /// <summary>As JSON, with the names of the properties in camel case.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, MachineJsonContext.Default.MachineStatistics);
}
