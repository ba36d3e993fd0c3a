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
    /// <param name="locked">A handle that stays open and must be unlocked; null if closing it does.</param>
    /// <param name="path">What it is called in messages.</param>
    public FileLockHold(IDisposable claim, SafeFileHandle? locked, string path)
    {
        _claim = claim;
        _locked = locked;
        _path = path;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_locked is { IsClosed: false })
        {
            OfdImageLock.Release(_locked, _path);
        }

        _claim.Dispose();
    }
}
