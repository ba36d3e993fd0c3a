using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Eider.Storage.Backends;

/// <summary>Opening and describing files on Linux.</summary>
[SupportedOSPlatform("linux")]
internal static class LinuxFiles
{
    private const int EmptyPath = 0x1000;
    private const uint BasicMask = 0x7FF;
    private const uint DirectAlignmentMask = 0x2000;
    private const int TypeMask = 0xF000;
    private const int RegularFile = 0x8000;
    private const int BlockDevice = 0x6000;
    private const int Directory = 0x4000;
    private const int NewFileMode = 0x1B6; // 0666 before the umask

    /// <summary>What fstat says, as far as it matters here.</summary>
    public readonly record struct Status(
        FileIdentity Identity, long SizeBytes, long AllocatedBytes, int Type, int DirectAlignmentBytes)
    {
        public bool IsBlockDevice => Type == BlockDevice;

        public bool IsRegularFile => Type == RegularFile;

        public bool IsDirectory => Type == Directory;
    }

    public static SafeFileHandle Open(string path, bool isReadOnly, bool isDirect, bool createNew)
    {
        // Non-blocking, so that a named pipe is refused and not waited for; on files it has no effect.
        var flags = LinuxFileCalls.OpenCloseOnExec | LinuxFileCalls.OpenNonBlocking
            | (isReadOnly ? LinuxFileCalls.OpenReadOnly : LinuxFileCalls.OpenReadWrite)
            | (isDirect ? LinuxFileCalls.OpenDirect : 0)
            | (createNew ? LinuxFileCalls.OpenCreate | LinuxFileCalls.OpenExclusive : 0);
        int descriptor;
        while ((descriptor = LinuxFileCalls.Open(path, flags, NewFileMode)) < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno == HostErrors.Interrupted)
            {
                continue;
            }

            throw errno == HostErrors.Invalid && isDirect
                ? new BlockStorageException(
                    BlockErrorKind.Io, BlockOperation.Open, path, null,
                    $"{path}: the file system has no direct I/O; open it without")
                : HostErrors.FromErrno(errno, BlockOperation.Open, path, null);
        }

        return new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <exception cref="BlockStorageException">The call failed.</exception>
    public static Status StatusOf(SafeFileHandle handle, string path)
    {
        int result;
        LinuxFileCalls.FileStatus status;
        try
        {
            result = LinuxFileCalls.Status(handle, "", EmptyPath, BasicMask | DirectAlignmentMask, out status);
        }
        catch (ObjectDisposedException exception)
        {
            throw HostErrors.FromException(exception, BlockOperation.Open, path, null);
        }

        if (result != 0)
        {
            throw HostErrors.FromErrno(Marshal.GetLastPInvokeError(), BlockOperation.Open, path, null);
        }

        var type = status.Mode & TypeMask;
        var identity = type == BlockDevice
            ? new FileIdentity(true, status.TargetDeviceMajor, status.TargetDeviceMinor, 0)
            : new FileIdentity(false, status.DeviceMajor, status.DeviceMinor, status.Inode);
        var alignment = (status.Mask & DirectAlignmentMask) != 0
            ? (int)Math.Max(status.DirectMemoryAlignment, status.DirectOffsetAlignment)
            : 0;
        return new Status(identity, status.SizeBytes, checked((long)status.Blocks * 512), type, alignment);
    }

    /// <summary>The flags that the handle was opened with.</summary>
    public static int FlagsOf(SafeFileHandle handle, string path)
    {
        var flags = LinuxFileCalls.Control(handle, LinuxFileCalls.GetStatusFlags, 0);
        return flags >= 0 ? flags : throw HostErrors.FromErrno(Marshal.GetLastPInvokeError(), BlockOperation.Open, path, null);
    }
}
