namespace Eider.Compare.Reporting;

/// <summary>All figures of one run, with the machine that they are of.</summary>
public sealed record Report
{
    /// <summary>When it began, in UTC.</summary>
    public required DateTime Date { get; init; }

    /// <summary>The machine, in a line.</summary>
    public required string Machine { get; init; }

    /// <summary>Programs that took part, with their versions.</summary>
    public required string Software { get; init; }

    /// <summary>How often each absolute figure was taken.</summary>
    public required int Rounds { get; init; }

    /// <summary>The groups, in order.</summary>
    public List<FigureTable> Tables { get; } = [];

    /// <summary>Figures that have a limit.</summary>
    public int LimitCount => Tables.Sum(table => table.Figures.Count(figure => figure.Limit is not null));

    /// <summary>Those that keep it.</summary>
    public int MetCount => Tables.Sum(table => table.Figures.Count(figure => figure.IsMet == true));
}
