using Eider.Storage.Operations;
using Spectre.Console;

namespace Eider.Cli.Images;

/// <summary>A bar with share, rate and time left on the terminal of standard error.</summary>
internal static class ImageProgressBar
{
    /// <summary>Shows the bar while an operation runs.</summary>
    public static Task RunAsync(string title, Func<OperationProgress?, Task> operation) =>
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) })
            .Progress()
            .AutoClear(false)
            .Columns(
                new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new TransferSpeedColumn(), new RemainingTimeColumn())
            .StartAsync(async context =>
            {
                var task = context.AddTask(Markup.Escape(title), maxValue: 1);
                await operation((done, total) =>
                {
                    task.MaxValue = Math.Max(1, total);
                    task.Value = done;
                });
                task.Value = task.MaxValue;
            });
}
