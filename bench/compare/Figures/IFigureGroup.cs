using Eider.Compare.Reporting;

namespace Eider.Compare.Figures;

/// <summary>Figures that are taken together.</summary>
public interface IFigureGroup
{
    /// <summary>Its name on the command line.</summary>
    string Name { get; }

    /// <summary>Its title, and how it measures.</summary>
    FigureTable CreateTable();

    /// <summary>Takes the figures.</summary>
    /// <param name="context">What the run has.</param>
    /// <param name="table">Takes them.</param>
    Task MeasureAsync(BenchContext context, FigureTable table);
}
