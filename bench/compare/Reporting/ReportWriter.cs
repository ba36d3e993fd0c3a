using System.Globalization;
using System.Text;
using System.Text.Json;
using Spectre.Console;

namespace Eider.Compare.Reporting;

/// <summary>Writes reports for people, for documents and for programs.</summary>
public static class ReportWriter
{
    private const string BeginMark = "<!-- figures: written by bench/run --update -->";
    private const string EndMark = "<!-- end of figures -->";

    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.CamelCase };

    /// <summary>A group as a table on the terminal.</summary>
    public static void WriteTable(IAnsiConsole console, FigureTable table)
    {
        ArgumentNullException.ThrowIfNull(console);
        ArgumentNullException.ThrowIfNull(table);
        var view = new Table { Border = TableBorder.Simple, Title = new TableTitle(Markup.Escape(table.Title)) };
        view.AddColumns("figure", "measured", "limit", "met");
        foreach (var figure in table.Figures)
        {
            view.AddRow(
                Markup.Escape(figure.What), Markup.Escape(figure.Measured), Markup.Escape(figure.Limit?.ToString() ?? ""),
                figure.IsMet switch { true => "[green]yes[/]", false => "[red]NO[/]", null => "" });
        }

        console.Write(view);
        console.WriteLine(Calibration(table));
        console.WriteLine();
    }

    /// <summary>All of it as a section of a document.</summary>
    public static string ToMarkdown(Report report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var text = new StringBuilder();
        text.AppendLine(CultureInfo.InvariantCulture, $"Measured on {report.Date:yyyy-MM-dd} on {report.Machine};");
        text.AppendLine(CultureInfo.InvariantCulture, $"{report.Software}. {report.MetCount} of {report.LimitCount} limits kept.");
        foreach (var table in report.Tables)
        {
            text.AppendLine().AppendLine(CultureInfo.InvariantCulture, $"### {table.Title}").AppendLine();
            text.AppendLine(CultureInfo.InvariantCulture, $"{table.Method} {Calibration(table)}").AppendLine();
            text.AppendLine("| figure | measured | limit | met |").AppendLine("| --- | --- | --- | --- |");
            foreach (var figure in table.Figures)
            {
                var met = figure.IsMet switch { true => "yes", false => "**no**", null => "" };
                text.AppendLine(CultureInfo.InvariantCulture, $"| {figure.What} | {figure.Measured} | {figure.Limit} | {met} |");
            }
        }

        return text.ToString();
    }

    /// <summary>Puts all of it between the marks of a document.</summary>
    /// <exception cref="FormatException">The document has no marks.</exception>
    public static string Replace(string document, Report report)
    {
        ArgumentNullException.ThrowIfNull(document);
        var begin = document.IndexOf(BeginMark, StringComparison.Ordinal);
        var end = document.IndexOf(EndMark, StringComparison.Ordinal);
        return begin >= 0 && begin < end
            ? document[..(begin + BeginMark.Length)] + "\n\n" + ToMarkdown(report) + "\n" + document[end..]
            : throw new FormatException($"the document lacks '{BeginMark}' and '{EndMark}'");
    }

    /// <summary>All of it as JSON.</summary>
    public static string ToJson(Report report) => JsonSerializer.Serialize(report, Json);

    private static string Calibration(FigureTable table) => string.Create(
        CultureInfo.InvariantCulture, $"Calibration loop: {table.CalibrationNanoseconds:0.000} ns.");
}
