using Spectre.Console;

namespace Eider.Cli.Provisioning;

/// <summary>A bar for each part of the work, on a terminal.</summary>
/// <param name="console">The terminal.</param>
internal sealed class TerminalProgress(IAnsiConsole console) : IProgressReport
{
    /// <summary>A bar on standard error, so that standard output stays the guest's.</summary>
    public static TerminalProgress OnStandardError() =>
        new(AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) }));

    /// <inheritdoc/>
    public Task<T> RunAsync<T>(string title, Func<Action<double>, Task<T>> work) =>
        console.Progress()
            .AutoClear(false)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
            .StartAsync(async context =>
            {
                var task = context.AddTask(Markup.Escape(title), maxValue: 1);
                var result = await work(share => task.Value = Math.Clamp(share, 0, 1));
                task.Value = 1;
                return result;
            });
}
