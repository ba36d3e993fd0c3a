using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Eider.Storage.Backends;

/// <summary>The locks that one open storage holds; disposing gives them back.</summary>
[SupportedOSPlatform("linux")]
internal sealed class FileLockHold : IDisposable
{
    private readonly IDisposable _claim;
    private readonly SafeFileHandle? _locked;
    private readonly string _path;

    /// <summary>What is held.</summary>
    /// <param name="claim">The claim inside this process.</param>
    /// <param name="locked">The handle with locks of the host; null if it has none.</param>
    /// <param name="path">What it is called in messages.</param>
    public FileLockHold(IDisposable claim, SafeFileHandle? locked, string path)
    {
        _claim = claim;
        _locked = locked;
        _path = path;
    }

    /// <summary>
    /// Gives the locks of the host back. Closing the handle alone would not do at once: a process that is just being
    /// started still shares it, until its program runs.
    /// </summary>
    public void Unlock()
    {
        if (_locked is { IsClosed: false })
        {
            OfdImageLock.Release(_locked, _path);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Unlock();
        _claim.Dispose();
    }
}
