namespace Eider.Compare.Reporting;

/// <summary>The figures of one group.</summary>
/// <param name="Title">What they have in common.</param>
public sealed record FigureTable(string Title)
{
    /// <summary>How they were measured, a sentence or two.</summary>
    public required string Method { get; init; }

    /// <summary>The calibration loop right before the group, nanoseconds an iteration.</summary>
    public double CalibrationNanoseconds { get; set; }

    /// <summary>The figures, in order.</summary>
    public List<Figure> Figures { get; } = [];
}
