namespace Eider.Cli.Provisioning;

/// <summary>Says nothing: the guest's output is to come out alone.</summary>
internal sealed class SilentProgress : IProgressReport
{
    /// <inheritdoc/>
    public Task<T> RunAsync<T>(string title, Func<Action<double>, Task<T>> work) => work(_ => { });
}
