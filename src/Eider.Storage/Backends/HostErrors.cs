using System.Globalization;
using System.Runtime.InteropServices;

namespace Eider.Storage.Backends;

/// <summary>Turns what a host says about files into <see cref="BlockStorageException"/>.</summary>
internal static class HostErrors
{
    public const int NotPermitted = 1;
    public const int NoEntry = 2;
    public const int Interrupted = 4;
    public const int NoSuchAddress = 6;
    public const int BadHandle = 9;
    public const int TryAgain = 11;
    public const int Access = 13;
    public const int Exists = 17;
    public const int Invalid = 22;
    public const int NoSpace = 28;
    public const int ReadOnlyFileSystem = 30;
    public const int NoLocks = 37;
    public const int NoSystemCall = 38;
    public const int NotSupported = 95;
    public const int TimedOut = 110;
    public const int QuotaExceeded = 122;

    private const int WindowsSharingViolation = 32;
    private const int WindowsHandleDiskFull = 39;
    private const int WindowsDiskFull = 112;
    private const int MacWouldBlock = 35;

    /// <summary>The failure of a Linux call with an errno.</summary>
    public static BlockStorageException FromErrno(int errno, BlockOperation operation, string path, long? offsetBytes)
    {
        var place = offsetBytes == null
            ? ""
            : string.Create(CultureInfo.InvariantCulture, $" at offset {offsetBytes}");
        return new BlockStorageException(
            KindOfErrno(errno), operation, path, offsetBytes,
            $"{path}: {Verb(operation)} failed{place}: {Marshal.GetPInvokeErrorMessage(errno)}");
    }

    /// <summary>The failure that the framework reported by an exception.</summary>
    public static BlockStorageException FromException(
        Exception exception, BlockOperation operation, string path, long? offsetBytes) => exception switch
        {
            BlockStorageException known => known,
            ObjectDisposedException => new BlockStorageException(
                BlockErrorKind.Closed, operation, path, offsetBytes, $"{path}: the file was closed", exception),
            _ => new BlockStorageException(
                KindOf(exception), operation, path, offsetBytes,
                $"{path}: {Verb(operation)} failed: {exception.Message}", exception),
        };

    /// <summary>The file became shorter while it was open.</summary>
    public static BlockStorageException EndedEarly(string path, long offsetBytes) => new(
        BlockErrorKind.Changed, BlockOperation.Read, path, offsetBytes,
        string.Create(
            CultureInfo.InvariantCulture, $"{path}: the file ends at offset {offsetBytes}; it was longer when it was opened"));

    /// <summary>The kind of an errno.</summary>
    public static BlockErrorKind KindOfErrno(int errno) => errno switch
    {
        NoSpace or QuotaExceeded => BlockErrorKind.NoSpace,
        NoEntry => BlockErrorKind.NotFound,
        NotPermitted or Access or ReadOnlyFileSystem => BlockErrorKind.AccessDenied,
        BadHandle => BlockErrorKind.Closed,
        TimedOut => BlockErrorKind.TimedOut,
        _ => BlockErrorKind.Io,
    };

    private static BlockErrorKind KindOf(Exception exception) => exception switch
    {
        FileNotFoundException or DirectoryNotFoundException => BlockErrorKind.NotFound,
        UnauthorizedAccessException => BlockErrorKind.AccessDenied,
        TimeoutException => BlockErrorKind.TimedOut,
        IOException when OperatingSystem.IsWindows() => (exception.HResult & 0xFFFF) switch
        {
            WindowsDiskFull or WindowsHandleDiskFull => BlockErrorKind.NoSpace,
            WindowsSharingViolation => BlockErrorKind.Locked,
            _ => BlockErrorKind.Io,
        },
        IOException => exception.HResult switch
        {
            NoSpace => BlockErrorKind.NoSpace,
            TryAgain or MacWouldBlock => BlockErrorKind.Locked,
            _ => BlockErrorKind.Io,
        },
        _ => BlockErrorKind.Io,
    };

    private static string Verb(BlockOperation operation) => operation switch
    {
        BlockOperation.Open => "open",
        BlockOperation.Read => "read",
        BlockOperation.Write => "write",
        BlockOperation.Flush => "flush",
        BlockOperation.Discard => "discard",
        BlockOperation.WriteZeroes => "write of zeroes",
        BlockOperation.Extents => "search for holes",
        BlockOperation.Resize => "resize",
        _ => "operation",
    };
}
