namespace Eider.Cli.Provisioning;

/// <summary>One line for each part of the work, where no terminal shows a bar.</summary>
/// <param name="output">Where the lines go.</param>
internal sealed class PlainProgress(TextWriter output) : IProgressReport
{
    /// <inheritdoc/>
    public async Task<T> RunAsync<T>(string title, Func<Action<double>, Task<T>> work)
    {
        await output.WriteLineAsync($"eider: {title}");
        return await work(_ => { });
    }
}
