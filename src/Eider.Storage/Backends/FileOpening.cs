using System.Globalization;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Eider.Storage.Backends;

/// <summary>All that is checked and locked before a file becomes a disk.</summary>
internal static class FileOpening
{
    private const int DefaultDirectAlignmentBytes = 4096;

    /// <summary>A file that is open, checked and locked.</summary>
    public sealed record Opened(
        FileBackend Backend, IDisposable? Lock, string Name, long SizeBytes, bool IsReadOnly, bool LeaveOpen)
    {
        /// <summary>Unit that the host writes without reading first, in bytes; 0 if unknown.</summary>
        public int PhysicalBlockBytes { get; init; }

        /// <summary>Which file it is; null where the host does not say.</summary>
        public FileIdentity? Identity { get; init; }
    }

    public static Opened Open(string path, FileStorageOptions options, long? createBytes)
    {
        CheckOptions(path, options);
        if (!OperatingSystem.IsLinux())
        {
            return OpenPortably(path, options, createBytes);
        }

        var handle = LinuxFiles.Open(path, options.IsReadOnly, options.IsDirect, createNew: createBytes != null);
        try
        {
            return Complete(handle, path, options with { LeaveOpen = false }, options.IsDirect, createBytes);
        }
        catch
        {
            handle.Dispose();
            if (createBytes != null)
            {
                File.Delete(path);
            }

            throw;
        }
    }

    public static Opened Adopt(SafeFileHandle handle, FileStorageOptions options, string name)
    {
        ArgumentNullException.ThrowIfNull(handle);
        CheckOptions(name, options);
        if (handle.IsInvalid || handle.IsClosed)
        {
            throw Refused(name, "the handle is closed; hand over an open one");
        }

        if (!OperatingSystem.IsLinux())
        {
            return new Opened(
                new PortableFileBackend(handle, name), null, name, RandomAccess.GetLength(handle), options.IsReadOnly, options.LeaveOpen);
        }

        var flags = LinuxFiles.FlagsOf(handle, name);
        var access = flags & LinuxFileCalls.OpenAccessMask;
        if (access == LinuxFileCalls.OpenWriteOnly)
        {
            throw Refused(name, "the handle is open for writing only; open it for reading too");
        }

        if (access == LinuxFileCalls.OpenReadOnly && !options.IsReadOnly)
        {
            throw Refused(name, "the handle is open for reading only; open it for writing too, or ask for a read-only storage");
        }

        // pwrite(2), BUGS: with O_APPEND data goes to the end of the file, whatever the offset.
        if ((flags & LinuxFileCalls.OpenAppend) != 0 && !options.IsReadOnly)
        {
            throw Refused(name, "the handle is open for appending; open it without");
        }

        return Complete(handle, name, options, (flags & LinuxFileCalls.OpenDirect) != 0, createBytes: null);
    }

    [SupportedOSPlatform("linux")]
    private static Opened Complete(
        SafeFileHandle handle, string path, FileStorageOptions options, bool isDirect, long? createBytes)
    {
        var status = LinuxFiles.StatusOf(handle, path);
        if (!status.IsRegularFile && !status.IsBlockDevice)
        {
            throw Refused(
                path, $"found {(status.IsDirectory ? "a directory" : "something else")}, expected a file or a block device");
        }

        var alignment = isDirect
            ? status.DirectAlignmentBytes > 0 ? status.DirectAlignmentBytes : DefaultDirectAlignmentBytes
            : 1;
        var held = LockOf(handle, status.Identity, path, options);
        try
        {
            LinuxFileBackend backend = isDirect
                ? new DirectFileBackend(handle, path, !options.IsReadOnly, alignment)
                : new LinuxFileBackend(handle, path, !options.IsReadOnly);
            if (createBytes != null)
            {
                backend.Resize(createBytes.Value);
            }

            var size = backend.GetSize();
            return size % alignment == 0
                ? new Opened(backend, held, path, size, options.IsReadOnly, options.LeaveOpen)
                {
                    PhysicalBlockBytes = alignment,
                    Identity = status.Identity,
                }
                : throw Refused(
                    path,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"direct I/O needs a size that is a multiple of {alignment}, found {size}; open it without, or enlarge it"));
        }
        catch
        {
            held?.Dispose();
            throw;
        }
    }

    [SupportedOSPlatform("linux")]
    private static FileLockHold? LockOf(SafeFileHandle handle, FileIdentity identity, string path, FileStorageOptions options)
    {
        if (options.Locking == FileLocking.None)
        {
            return null;
        }

        var toleratesWriter = options.Locking == FileLocking.ShareWithWriter;
        var claim = FileClaims.TryClaim(identity, handle, !options.IsReadOnly, toleratesWriter)
            ?? throw Locked(path, "this process", options.IsReadOnly);
        try
        {
            return OfdImageLock.TryAcquire(handle, !options.IsReadOnly, toleratesWriter, path) switch
            {
                OfdImageLock.Outcome.Conflict => throw Locked(path, "another program", options.IsReadOnly),
                OfdImageLock.Outcome.Held when !toleratesWriter => new FileLockHold(claim, handle, path),
                _ => new FileLockHold(claim, null, path),
            };
        }
        catch
        {
            claim.Dispose();
            throw;
        }
    }

    public static Opened OpenPortably(string path, FileStorageOptions options, long? createBytes)
    {
        var share = options.Locking == FileLocking.Exclusive
            ? options.IsReadOnly ? FileShare.Read : FileShare.None
            : FileShare.ReadWrite | FileShare.Delete;
        SafeFileHandle? handle = null;
        try
        {
            handle = File.OpenHandle(
                path,
                createBytes == null ? FileMode.Open : FileMode.CreateNew,
                options.IsReadOnly ? FileAccess.Read : FileAccess.ReadWrite,
                share,
                FileOptions.RandomAccess);
            if (createBytes != null)
            {
                RandomAccess.SetLength(handle, createBytes.Value);
            }

            return new Opened(
                new PortableFileBackend(handle, path), null, path, RandomAccess.GetLength(handle), options.IsReadOnly, LeaveOpen: false);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            handle?.Dispose();
            throw HostErrors.FromException(exception, BlockOperation.Open, path, null);
        }
    }

    private static void CheckOptions(string path, FileStorageOptions options)
    {
        if (options.Locking == FileLocking.ShareWithWriter && !options.IsReadOnly)
        {
            throw new ArgumentException($"{path}: only a read-only storage can share the file with a writer.", nameof(options));
        }

        if (options.IsDirect && !OperatingSystem.IsLinux())
        {
            throw Refused(path, "direct I/O works on Linux only; open it without");
        }
    }

    private static BlockStorageException Refused(string path, string why) =>
        new(BlockErrorKind.Io, BlockOperation.Open, path, null, $"{path}: open failed: {why}");

    private static BlockStorageException Locked(string path, string who, bool isReadOnly) => new(
        BlockErrorKind.Locked, BlockOperation.Open, path, null,
        isReadOnly
            ? $"{path}: open failed: {who} has it open for writing; stop that first, or work on a copy"
            : $"{path}: open failed: {who} has it open; stop that first, open both read-only, or put an overlay over it");
}
