namespace Eider.Compare.Reporting;

/// <summary>One figure as it was measured.</summary>
/// <param name="What">What was measured, in words.</param>
/// <param name="Value">The number that is held against the limit.</param>
/// <param name="Measured">The number as people read it, with its unit and what it is made of.</param>
/// <param name="Limit">What it is held against; null if it is only stated.</param>
public sealed record Figure(string What, double Value, string Measured, Limit? Limit = null)
{
    /// <summary>True if the limit holds; null where there is none.</summary>
    public bool? IsMet => Limit?.Holds(Value);
}
