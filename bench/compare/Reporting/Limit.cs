using System.Globalization;

namespace Eider.Compare.Reporting;

/// <summary>What a figure has to keep.</summary>
/// <param name="IsLeast">True if the figure must reach it, false if it must not exceed it.</param>
/// <param name="Value">The number.</param>
/// <param name="Unit">Its unit, behind the number; may be empty.</param>
public sealed record Limit(bool IsLeast, double Value, string Unit)
{
    /// <summary>A number that must not be exceeded.</summary>
    public static Limit AtMost(double value, string unit) => new(false, value, unit);

    /// <summary>A number that must be reached.</summary>
    public static Limit AtLeast(double value, string unit) => new(true, value, unit);

    /// <summary>True if a value keeps it.</summary>
    public bool Holds(double value) => IsLeast ? value >= Value : value <= Value;

    /// <inheritdoc/>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture, $"{(IsLeast ? "≥" : "≤")} {Value:0.##}{(Unit.Length == 0 ? "" : " ")}{Unit}");
}
