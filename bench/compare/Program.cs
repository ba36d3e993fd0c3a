using Eider.Compare;
using Eider.Compare.Figures;
using Eider.Compare.Measuring;
using Eider.Compare.Processes;
using Eider.Compare.Reporting;
using Spectre.Console;

// Started by bench/run, which builds what is measured.
IFigureGroup[] groups =
[
    new BusFigures(), new RequestFigures(), new LoopFigures(), new BootFigures(), new DiskFigures(), new IdeFigures(), new StartFigures(),
    new IdleMachineFigures(), new GrowthFigures(), new ImageFigures(),
];

BenchOptions options;
try
{
    options = BenchOptions.Parse(args);
    if (options.Only.FirstOrDefault(name => groups.All(group => group.Name != name)) is { } unknown)
    {
        throw new FormatException($"bench: --only {unknown}: no such group");
    }
}
catch (FormatException mistake)
{
    Console.Error.WriteLine(mistake.Message);
    Console.Error.WriteLine(BenchOptions.Usage);
    return 64;
}

using var context = new BenchContext(options);
var report = new Report
{
    Date = DateTime.UtcNow,
    Machine = HostFacts.Machine(),
    Software = HostFacts.Software(),
    Rounds = options.Rounds,
};
foreach (var group in groups.Where(group => options.Only.Count == 0 || options.Only.Contains(group.Name)))
{
    var table = group.CreateTable();
    table.CalibrationNanoseconds = Calibration.Run(options.Rounds);
    await group.MeasureAsync(context, table);
    report.Tables.Add(table);
    if (!options.IsMarkdown)
    {
        ReportWriter.WriteTable(AnsiConsole.Console, table);
    }
}

Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(options.Json))!);
await File.WriteAllTextAsync(options.Json, ReportWriter.ToJson(report));
if (options.Document is { } document)
{
    await File.WriteAllTextAsync(document, ReportWriter.Replace(await File.ReadAllTextAsync(document), report));
}

Console.WriteLine(options.IsMarkdown ? ReportWriter.ToMarkdown(report) : $"{report.MetCount} of {report.LimitCount} limits kept; {options.Json}");
return report.MetCount == report.LimitCount ? 0 : 1;
