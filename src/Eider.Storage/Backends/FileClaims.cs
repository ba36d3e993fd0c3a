namespace Eider.Storage.Backends;

/// <summary>
/// Who in this process has which file open. It stands beside the locks of the host: those know nothing of a
/// handle that is used twice, and some file systems have none.
/// </summary>
internal static class FileClaims
{
    private static readonly Lock Gate = new();
    private static readonly Dictionary<FileIdentity, Claim> Claims = [];

    /// <summary>Claims a file; null if others in this process stand in the way.</summary>
    public static IDisposable? TryClaim(FileIdentity identity, bool writes, bool toleratesWriter)
    {
        lock (Gate)
        {
            var claim = Claims.GetValueOrDefault(identity);
            if (writes ? claim.Writers + claim.Readers > 0 : claim.Writers > 0 && !toleratesWriter)
            {
                return null;
            }

            // A reader that tolerates a writer is not in a later writer's way either.
            var held = writes
                ? Held.Writer
                : toleratesWriter ? Held.Nothing : Held.Reader;
            Add(identity, held, 1);
            return new Release(identity, held);
        }
    }

    private static void Add(FileIdentity identity, Held held, int count)
    {
        var claim = Claims.GetValueOrDefault(identity);
        claim = new Claim(
            claim.Readers + (held == Held.Reader ? count : 0), claim.Writers + (held == Held.Writer ? count : 0));
        if (claim == default)
        {
            Claims.Remove(identity);
        }
        else
        {
            Claims[identity] = claim;
        }
    }

    private enum Held
    {
        Nothing,
        Reader,
        Writer,
    }

    private readonly record struct Claim(int Readers, int Writers);

    private sealed class Release(FileIdentity identity, Held held) : IDisposable
    {
        private int _released;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _released, 1) == 0)
            {
                lock (Gate)
                {
                    Add(identity, held, -1);
                }
            }
        }
    }
}
