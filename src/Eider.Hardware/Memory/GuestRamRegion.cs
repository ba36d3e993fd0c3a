using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Eider.Hardware.Memory;

/// <summary>One contiguous piece of RAM. Untouched pages cost no host memory, neither do their flags.</summary>
public sealed unsafe class GuestRamRegion
{
    /// <summary>Size of a page, in bytes.</summary>
    public const ulong PageBytes = 4096;

    // A Memory<byte> reaches 2 GiB at most, so a large region is seen through several windows.
    private const ulong WindowBytes = 1UL << 30;

    private readonly HostMapping _mapping;
    private readonly Window[] _windows;
    private readonly byte* _flags;
    private int _leases = 1; // one for the region itself
    private int _disposed;

    internal GuestRamRegion(ulong @base, ulong sizeBytes, Func<ulong, HostMapping> map, bool isReadOnly = false)
    {
        Base = @base;
        SizeBytes = sizeBytes;
        IsReadOnly = isReadOnly;
        _mapping = map(sizeBytes);
        Host = _mapping.Address;
        // One byte a page, outside of the managed heap: calloc gives fresh pages, which cost nothing either.
        _flags = (byte*)NativeMemory.AllocZeroed((nuint)PageCount);
        _windows = new Window[(sizeBytes + WindowBytes - 1) / WindowBytes];
        for (var i = 0; i < _windows.Length; i++)
        {
            var start = (ulong)i * WindowBytes;
            _windows[i] = new Window(this, Host + start, (int)Math.Min(WindowBytes, sizeBytes - start));
        }
    }

    /// <summary>Guest-physical address of the first byte.</summary>
    public ulong Base { get; }

    /// <summary>Size in bytes.</summary>
    public ulong SizeBytes { get; }

    /// <summary>True if neither harts nor devices can write: a file that is mapped so.</summary>
    public bool IsReadOnly { get; }

    /// <summary>Number of pages.</summary>
    public ulong PageCount => SizeBytes / PageBytes;

    /// <summary>
    /// The file whose bytes, from offset 0, are this region: what another process maps to share it (vhost-user).
    /// Null where the host has no shareable anonymous memory. Owned by the region.
    /// </summary>
    public SafeFileHandle? SharedHandle => _mapping.SharedHandle;

    /// <summary>Pieces of this region that are lent out.</summary>
    public int OutstandingLeases => Volatile.Read(ref _leases) - (Volatile.Read(ref _disposed) == 0 ? 1 : 0);

    /// <summary>Host address of the first byte, for engines.</summary>
    internal byte* Host { get; }

    // SAFETY (this and the next four): a page number below PageCount; the flags live as long as the mapping.

    /// <summary>The flags of a page.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal PageWatch GetFlags(ulong page) => (PageWatch)Volatile.Read(ref _flags[page]);

    /// <summary>Adds flags to a page. A full fence.</summary>
    internal void SetFlags(ulong page, PageWatch flags) => ChangeFlags(page, flags, PageWatch.None);

    /// <summary>Removes some flags of a page. A full fence.</summary>
    internal void ClearFlags(ulong page, PageWatch flags) => ChangeFlags(page, PageWatch.None, flags);

    /// <summary>Clears the flags of a page and returns what they were.</summary>
    internal PageWatch TakeFlags(ulong page) => Volatile.Read(ref _flags[page]) == 0
        ? PageWatch.None
        : (PageWatch)Interlocked.Exchange(ref _flags[page], (byte)0);

    /// <summary>True if a page of a range has a flag set.</summary>
    internal bool HasFlags(ulong firstPage, ulong lastPage) => firstPage == lastPage
        ? _flags[firstPage] != 0
        : new ReadOnlySpan<byte>(_flags + firstPage, checked((int)(lastPage - firstPage + 1))).ContainsAnyExcept((byte)0);

    /// <summary>The longest piece of a range that one <see cref="Memory{T}"/> can hold.</summary>
    internal Memory<byte> GetMemory(ulong offset, uint lengthBytes)
    {
        var within = (int)(offset % WindowBytes);
        var memory = _windows[offset / WindowBytes].Memory;
        return memory.Slice(within, (int)Math.Min(lengthBytes, (uint)(memory.Length - within)));
    }

    /// <summary>Counts a lease; false once the region is disposed of.</summary>
    internal bool TryAddLease()
    {
        // From 0 there is no way back: whoever saw the last lease go has unmapped the memory.
        var seen = Volatile.Read(ref _leases);
        while (seen > 0 && Volatile.Read(ref _disposed) == 0)
        {
            var before = Interlocked.CompareExchange(ref _leases, seen + 1, seen);
            if (before == seen)
            {
                return true;
            }

            seen = before;
        }

        return false;
    }

    internal void ReturnLease()
    {
        var left = Interlocked.Decrement(ref _leases);
        if (left < 0)
        {
            throw new InvalidOperationException($"more leases of the RAM at 0x{Base:x} came back than were given out");
        }

        if (left == 0)
        {
            _mapping.Unmap();
            // SAFETY: allocated in the constructor, freed once: the count reaches 0 once.
            NativeMemory.Free(_flags);
        }
    }

    internal void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            ReturnLease();
        }
    }

    private void ChangeFlags(ulong page, PageWatch added, PageWatch removed)
    {
        byte seen, wanted;
        do
        {
            seen = Volatile.Read(ref _flags[page]);
            wanted = (byte)((seen | (byte)added) & ~(byte)removed);
        }
        while (Interlocked.CompareExchange(ref _flags[page], wanted, seen) != seen);
    }

    private sealed class Window(GuestRamRegion region, byte* start, int length) : MemoryManager<byte>
    {
        // SAFETY: inside the mapping, which stays as long as a lease is out; a use after the last one is caught
        // here, as far as it does not race.
        public override Span<byte> GetSpan()
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref region._leases) <= 0, typeof(GuestRamRegion));
            return new Span<byte>(start, length);
        }

        public override MemoryHandle Pin(int elementIndex = 0) => new(start + elementIndex);

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
