using System.ComponentModel;

namespace Eider.Machines;

/// <summary>What ducky's hardware table says beside what there is.</summary>
public sealed record HardwareTableConfiguration
{
    /// <summary>Arguments for the guest's program, in their order.</summary>
    [Description("Arguments for the guest's program.")]
    public IReadOnlyList<HardwareTableArgument> Arguments { get; set; } = [];
}
