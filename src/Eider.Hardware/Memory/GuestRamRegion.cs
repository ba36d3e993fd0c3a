using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Eider.Hardware.Memory;

/// <summary>One contiguous piece of RAM.</summary>
public sealed unsafe class GuestRamRegion
{
    /// <summary>Size of a page, in bytes.</summary>
    public const ulong PageBytes = 4096;

    // A Memory<byte> reaches 2 GiB at most, so a large region is seen through several windows.
    private const ulong WindowBytes = 1UL << 30;

    private readonly Window[] _windows;
    private readonly int[] _flags;
    private int _leases = 1; // one for the region itself

    internal GuestRamRegion(ulong @base, ulong sizeBytes)
    {
        Base = @base;
        SizeBytes = sizeBytes;
        Host = (byte*)NativeMemory.AlignedAlloc((nuint)sizeBytes, (nuint)PageBytes);
        NativeMemory.Clear(Host, (nuint)sizeBytes);
        _flags = new int[sizeBytes / PageBytes];
        _windows = new Window[(sizeBytes + WindowBytes - 1) / WindowBytes];
        for (var i = 0; i < _windows.Length; i++)
        {
            var start = (ulong)i * WindowBytes;
            _windows[i] = new Window(Host + start, (int)Math.Min(WindowBytes, sizeBytes - start));
        }
    }

    /// <summary>Guest-physical address of the first byte.</summary>
    public ulong Base { get; }

    /// <summary>Size in bytes.</summary>
    public ulong SizeBytes { get; }

    /// <summary>Host address of the first byte, for engines.</summary>
    internal byte* Host { get; }

    /// <summary>The flags of a page.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal PageWatch GetFlags(ulong page) => (PageWatch)Volatile.Read(ref _flags[page]);

    /// <summary>Adds flags to a page.</summary>
    internal void SetFlags(ulong page, PageWatch flags) => Interlocked.Or(ref _flags[page], (int)flags);

    /// <summary>Clears the flags of a page and returns what they were.</summary>
    internal PageWatch TakeFlags(ulong page) =>
        Volatile.Read(ref _flags[page]) == 0 ? PageWatch.None : (PageWatch)Interlocked.Exchange(ref _flags[page], 0);

    internal Memory<byte> GetMemory(ulong offset, uint lengthBytes)
    {
        var within = (int)(offset % WindowBytes);
        var memory = _windows[offset / WindowBytes].Memory;
        return memory.Slice(within, (int)Math.Min(lengthBytes, (uint)(memory.Length - within)));
    }

    internal bool TryAddLease()
    {
        if (Interlocked.Increment(ref _leases) > 1)
        {
            return true;
        }

        Interlocked.Decrement(ref _leases);
        return false;
    }

    internal void ReturnLease()
    {
        if (Interlocked.Decrement(ref _leases) == 0)
        {
            NativeMemory.AlignedFree(Host);
        }
    }

    internal void Dispose() => ReturnLease();

    private sealed class Window(byte* start, int length) : System.Buffers.MemoryManager<byte>
    {
        public override Span<byte> GetSpan() => new(start, length);

        public override System.Buffers.MemoryHandle Pin(int elementIndex = 0) => new(start + elementIndex);

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
