using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Eider.Hardware.Memory;

/// <summary>
/// Private memory from the C runtime, for hosts without memfd. For sizes like these <c>calloc</c> maps fresh
/// pages on every platform, so that untouched ones cost nothing.
/// </summary>
internal sealed unsafe class AnonymousMapping : HostMapping
{
    private readonly void* _block;

    public AnonymousMapping(ulong sizeBytes)
    {
        try
        {
            _block = NativeMemory.AllocZeroed(checked((nuint)(sizeBytes + GuestRamRegion.PageBytes)));
        }
        catch (Exception cause) when (cause is OutOfMemoryException or OverflowException)
        {
            throw new InsufficientMemoryException($"the host has no {sizeBytes} bytes for guest memory", cause);
        }
    }

    // SAFETY: one page more than asked for was allocated, so that the aligned start leaves enough behind it.
    public override byte* Address =>
        (byte*)(((nuint)_block + (nuint)GuestRamRegion.PageBytes - 1) & ~((nuint)GuestRamRegion.PageBytes - 1));

    public override SafeFileHandle? SharedHandle => null;

    // SAFETY: the block came from AllocZeroed, and the owner calls this once.
    public override void Unmap() => NativeMemory.Free(_block);
}
