using System.Runtime.CompilerServices;

namespace Eider.Cli.Provisioning;

/// <summary>A bar on the terminal whose library is loaded when there is something to show, which is mostly never.</summary>
internal sealed class DeferredTerminalProgress : IProgressReport
{
    private IProgressReport? _shown;

    /// <inheritdoc/>
    public Task<T> RunAsync<T>(string title, Func<Action<double>, Task<T>> work) => (_shown ??= Show()).RunAsync(title, work);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static TerminalProgress Show() => TerminalProgress.OnStandardError();
}
