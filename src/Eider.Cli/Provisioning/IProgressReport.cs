namespace Eider.Cli.Provisioning;

/// <summary>Tells the user how far a long preparation is.</summary>
internal interface IProgressReport
{
    /// <summary>Runs a part of the work under a title; the work reports the share that is done, 0 to 1.</summary>
    Task<T> RunAsync<T>(string title, Func<Action<double>, Task<T>> work);
}
