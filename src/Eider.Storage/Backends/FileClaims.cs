using Microsoft.Win32.SafeHandles;

namespace Eider.Storage.Backends;

/// <summary>
/// Who in this process has which file open. It stands beside the locks of the host: those know nothing of a
/// handle that is used twice, and some file systems have none.
/// </summary>
internal static class FileClaims
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<FileIdentity, List<Claim>> Claims = [];

    /// <summary>Claims a file; null if others in this process stand in the way.</summary>
    /// <param name="identity">Which file.</param>
    /// <param name="handle">The claim ends with it at the latest: then the identity may be another file's.</param>
    /// <param name="writes">True to be alone.</param>
    /// <param name="toleratesWriter">True to be in nobody's way.</param>
    public static IDisposable? TryClaim(FileIdentity identity, SafeFileHandle handle, bool writes, bool toleratesWriter)
    {
        var claim = new Claim(identity, handle, writes);
        if (toleratesWriter)
        {
            return claim;
        }

        lock (Gate)
        {
            if (!Claims.TryGetValue(identity, out var present))
            {
                Claims.Add(identity, present = []);
            }

            present.RemoveAll(other => !other.IsAlive);
            if (present.Exists(other => writes || other.Writes))
            {
                return null;
            }

            present.Add(claim);
            return claim;
        }
    }

    private sealed class Claim(FileIdentity identity, SafeFileHandle handle, bool writes) : IDisposable
    {
        private readonly WeakReference<SafeFileHandle> _handle = new(handle);

        public bool Writes { get; } = writes;

        public bool IsAlive => _handle.TryGetTarget(out var handle) && !handle.IsClosed;

        public void Dispose()
        {
            lock (Gate)
            {
                if (Claims.TryGetValue(identity, out var present) && present.Remove(this) && present.Count == 0)
                {
                    Claims.Remove(identity);
                }
            }
        }
    }
}
