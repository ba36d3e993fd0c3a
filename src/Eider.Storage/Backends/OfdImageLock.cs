using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Eider.Storage.Backends;

/// <summary>
/// Advisory locks on an image by open-file-description locks (fcntl(2), F_OFD_SETLK) on the bytes that QEMU uses,
/// so that both refuse each other's images: a shared lock on byte 100 + n says "I use permission n", one on byte
/// 200 + n says "nobody else may"; a conflict is found by asking for an exclusive lock, which is never taken.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class OfdImageLock
{
    private const long UsesBase = 100;
    private const long DeniesBase = 200;
    private const int ConsistentRead = 0;
    private const int Write = 1;
    private const int Resize = 3;

    private static readonly int[] ReaderUses = [ConsistentRead];
    private static readonly int[] WriterUses = [ConsistentRead, Write];
    private static readonly int[] Denied = [Write, Resize];

    /// <summary>What an attempt came to.</summary>
    public enum Outcome
    {
        /// <summary>The locks are held until the handle is closed or <see cref="Release"/>.</summary>
        Held,

        /// <summary>Somebody else is in the way; no lock is held.</summary>
        Conflict,

        /// <summary>The file system or kernel has no such locks.</summary>
        Unsupported,
    }

    public static Outcome TryAcquire(SafeFileHandle handle, bool writes, bool toleratesWriter, string path)
    {
        // A reader that tolerates writers must not be in the way of one that comes later, so it claims nothing.
        if (toleratesWriter)
        {
            return Outcome.Held;
        }

        var uses = writes ? WriterUses : ReaderUses;
        foreach (var permission in uses)
        {
            if (!TrySet(handle, LinuxFileCalls.ReadLock, UsesBase + permission, path))
            {
                return Outcome.Unsupported;
            }
        }

        foreach (var permission in Denied)
        {
            if (!TrySet(handle, LinuxFileCalls.ReadLock, DeniesBase + permission, path))
            {
                return Outcome.Unsupported;
            }
        }

        var conflicts = uses.Any(permission => IsTaken(handle, DeniesBase + permission, path))
            || Denied.Any(permission => IsTaken(handle, UsesBase + permission, path));
        if (conflicts)
        {
            Release(handle, path);
            return Outcome.Conflict;
        }

        return Outcome.Held;
    }

    /// <summary>Gives back what was locked; for a handle that stays open.</summary>
    public static void Release(SafeFileHandle handle, string path)
    {
        foreach (var permission in (ReadOnlySpan<int>)[ConsistentRead, Write, Resize])
        {
            TrySet(handle, LinuxFileCalls.Unlock, UsesBase + permission, path);
            TrySet(handle, LinuxFileCalls.Unlock, DeniesBase + permission, path);
        }
    }

    private static bool TrySet(SafeFileHandle handle, short type, long offsetBytes, string path)
    {
        var request = new LinuxFileCalls.FileLock { Type = type, Start = offsetBytes, Length = 1 };
        return Call(handle, LinuxFileCalls.OfdSetLock, ref request, path);
    }

    private static bool IsTaken(SafeFileHandle handle, long offsetBytes, string path)
    {
        var request = new LinuxFileCalls.FileLock { Type = LinuxFileCalls.WriteLock, Start = offsetBytes, Length = 1 };
        return Call(handle, LinuxFileCalls.OfdGetLock, ref request, path) && request.Type != LinuxFileCalls.Unlock;
    }

    private static bool Call(SafeFileHandle handle, int command, ref LinuxFileCalls.FileLock request, string path)
    {
        while (LinuxFileCalls.ControlLock(handle, command, ref request) != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno is HostErrors.Invalid or HostErrors.NoLocks or HostErrors.NoSystemCall or HostErrors.NotSupported)
            {
                return false;
            }

            if (errno is HostErrors.TryAgain or HostErrors.Access)
            {
                throw new BlockStorageException(
                    BlockErrorKind.Locked, BlockOperation.Open, path, null,
                    $"{path}: another program holds an exclusive lock on the image; stop it first");
            }

            if (errno != HostErrors.Interrupted)
            {
                throw HostErrors.FromErrno(errno, BlockOperation.Open, path, null);
            }
        }

        return true;
    }
}
