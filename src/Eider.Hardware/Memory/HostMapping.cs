using Microsoft.Win32.SafeHandles;

namespace Eider.Hardware.Memory;

/// <summary>
/// Zeroed, page-aligned host memory outside of the garbage collector's heap. Nothing of it is backed by real
/// memory until it is touched.
/// </summary>
internal abstract unsafe class HostMapping
{
    /// <summary>First byte, aligned to <see cref="GuestRamRegion.PageBytes"/>.</summary>
    public abstract byte* Address { get; }

    /// <summary>What another process maps to see the same bytes; null where the host cannot share.</summary>
    public abstract SafeFileHandle? SharedHandle { get; }

    /// <summary>Gives the memory back. Called once; nothing may touch it afterwards.</summary>
    public abstract void Unmap();

    /// <summary>Maps memory in the best way that this host offers.</summary>
    /// <param name="sizeBytes">Size, a multiple of the page size.</param>
    /// <exception cref="InsufficientMemoryException">The host refuses.</exception>
    public static HostMapping Create(ulong sizeBytes) =>
        OperatingSystem.IsLinux() && LinuxSharedMapping.TryCreate(sizeBytes) is { } shared
            ? shared
            : new AnonymousMapping(sizeBytes);
}
