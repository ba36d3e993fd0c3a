using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Eider.Hardware.Memory;

/// <summary>
/// Shared memory of an anonymous file (memfd): sparse, and mapped by other processes that get the descriptor.
/// The file is sealed against resizing, so that no peer can cut it off below us and have us killed by SIGBUS.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed unsafe partial class LinuxSharedMapping : HostMapping
{
    // Values of the Linux system call interface, the same on x86-64 and arm64.
    private const uint MfdCloexec = 1;
    private const uint MfdAllowSealing = 2;
    private const int FAddSeals = 1033;
    private const int FSealShrinkAndGrow = 2 | 4;
    private const int ProtReadWrite = 1 | 2;
    private const int MapShared = 1;
    private const int MapNoReserve = 0x4000;
    private const nint MapFailed = -1;

    private readonly SafeFileHandle _file;
    private readonly byte* _address;
    private readonly ulong _sizeBytes;

    private LinuxSharedMapping(SafeFileHandle file, byte* address, ulong sizeBytes)
    {
        _file = file;
        _address = address;
        _sizeBytes = sizeBytes;
    }

    public override byte* Address => _address;

    public override SafeFileHandle? SharedHandle => _file;

    /// <summary>Maps a fresh file; null where there is no memfd (old kernel or C library, or a sandbox forbids it).</summary>
    /// <exception cref="InsufficientMemoryException">There is memfd, but not that much room.</exception>
    public static LinuxSharedMapping? TryCreate(ulong sizeBytes)
    {
        int descriptor;
        try
        {
            descriptor = MemfdCreate("eider-ram", MfdCloexec | MfdAllowSealing);
        }
        catch (EntryPointNotFoundException)
        {
            return null;
        }

        if (descriptor < 0)
        {
            return null;
        }

        var file = new SafeFileHandle(descriptor, ownsHandle: true);
        // The seal is a protection more; a kernel without sealing still shares memory.
        var sized = sizeBytes <= long.MaxValue && Ftruncate(file, (long)sizeBytes) == 0;
        _ = sized ? Fcntl(file, FAddSeals, FSealShrinkAndGrow) : 0;

        // SAFETY: a mapping at an address of the kernel's choice touches no memory of ours.
        var address = sized ? Mmap(null, (nuint)sizeBytes, ProtReadWrite, MapShared | MapNoReserve, file, 0) : MapFailed;
        if (address == MapFailed)
        {
            var error = Marshal.GetLastPInvokeErrorMessage();
            file.Dispose();
            throw new InsufficientMemoryException($"cannot map {sizeBytes} bytes of guest memory: {error}");
        }

        return new LinuxSharedMapping(file, (byte*)address, sizeBytes);
    }

    public override void Unmap()
    {
        // SAFETY: exactly what TryCreate mapped; the owner calls this once, when no lease is left.
        _ = Munmap(_address, (nuint)_sizeBytes);
        _file.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int MemfdCreate(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Ftruncate(SafeFileHandle file, long sizeBytes);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Fcntl(SafeFileHandle file, int command, int argument);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial nint Mmap(
        void* address, nuint lengthBytes, int protection, int flags, SafeFileHandle file, long offsetBytes);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Munmap(void* address, nuint lengthBytes);
}
