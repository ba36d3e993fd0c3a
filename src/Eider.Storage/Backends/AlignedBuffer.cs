using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Eider.Storage.Backends;

/// <summary>A buffer at an aligned address; the garbage collector never moves it.</summary>
internal sealed unsafe class AlignedBuffer
{
    /// <summary>A new buffer.</summary>
    /// <param name="lengthBytes">Its length.</param>
    /// <param name="alignmentBytes">A power of two.</param>
    public AlignedBuffer(int lengthBytes, int alignmentBytes)
    {
        var array = GC.AllocateUninitializedArray<byte>(lengthBytes + alignmentBytes, pinned: true);

        // SAFETY: only the address of the array is taken, and it is pinned for life.
        var address = (nuint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(array));
        var skipped = (int)((nuint)alignmentBytes - (address % (nuint)alignmentBytes)) % alignmentBytes;
        Memory = array.AsMemory(skipped, lengthBytes);
    }

    /// <summary>The buffer.</summary>
    public Memory<byte> Memory { get; }
}
