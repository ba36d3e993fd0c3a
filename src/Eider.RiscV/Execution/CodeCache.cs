using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Eider.Hardware.Memory;
using Eider.RiscV.Decoding;
using Eider.RiscV.Memory;

namespace Eider.RiscV.Execution;

/// <summary>
/// Decoded blocks of all physical pages, shared by the harts. Operations lie in one arena that is filled from the
/// start and emptied as a whole; what a dropped page leaves in it stays readable until then, so that a hart
/// may finish the block that it is in.
/// </summary>
/// <remarks>Only the thread that runs the engine touches it, apart from <see cref="NotifyWrittenByDevice"/>.</remarks>
internal sealed unsafe class CodeCache : IDisposable
{
    /// <summary>The most instructions of a block; <see cref="Op.Index"/> and the latency of interrupts set it.</summary>
    public const int MaxBlockInstructions = 64;

    private const int PageBytes = 4096;
    private const int IdleStoresUntilRelease = 16;

    // 16384 pages of code are 64 MiB of it, more than any kernel and its programs run at a time; their tables
    // take twice that, and no guest can make them take more.
    private const int MaxPages = 16384;

    private readonly GuestRam _ram;
    private readonly int _capacity;
    private readonly CodePage*[][] _pages;
    private readonly List<nint> _allocated = [];
    private readonly Stack<nint> _free = new();
    private readonly ConcurrentQueue<ulong> _writtenByDevices = new();
    private int _used = 1; // index 0 means "none"

    /// <summary>Makes an empty cache.</summary>
    /// <param name="ram">The memory that code is decoded from.</param>
    /// <param name="capacity">Operations that the arena holds.</param>
    public CodeCache(GuestRam ram, int capacity)
    {
        _ram = ram;
        _capacity = capacity;
        _pages = new CodePage*[ram.Regions.Count][];
        for (var i = 0; i < _pages.Length; i++)
        {
            _pages[i] = new CodePage*[ram.Regions[i].SizeBytes / PageBytes];
        }

        // SAFETY: not initialised, but no operation is reached before Decode wrote it.
        Arena = (Op*)NativeMemory.AlignedAlloc((nuint)capacity * (nuint)sizeof(Op), 64);
    }

    /// <summary>The operations.</summary>
    public Op* Arena { get; private set; }

    /// <summary>Changes whenever the arena was emptied: pointers into it taken before are void.</summary>
    public int Generation { get; private set; }

    /// <summary>The harts' TLBs, which lose write permission for pages that hold code.</summary>
    public Mmu[] Mmus { get; set; } = [];

    /// <summary>True if devices wrote to code that was not dropped yet.</summary>
    public bool HasDeviceWrites => !_writtenByDevices.IsEmpty;

    /// <summary>Remembers that a device wrote to a page with code; callable from any thread.</summary>
    public void NotifyWrittenByDevice(ulong pageAddress) => _writtenByDevices.Enqueue(pageAddress);

    /// <summary>Drops what devices overwrote.</summary>
    public void DropWrittenByDevices()
    {
        while (_writtenByDevices.TryDequeue(out var address))
        {
            var page = Find(address);
            if (page is not null)
            {
                Drop(page);
            }
        }
    }

    /// <summary>True if an operation lies in the arena, so that links may be written to it.</summary>
    public bool Owns(Op* op) => op >= Arena && op < Arena + _capacity;

    /// <summary>The page at a physical address, made if it is RAM; null otherwise.</summary>
    public CodePage* GetPage(ulong physical)
    {
        var page = Find(physical);
        if (page is not null)
        {
            return page;
        }

        for (var i = 0; i < _pages.Length; i++)
        {
            var region = _ram.Regions[i];
            var offset = physical - region.Base;
            if (offset < region.SizeBytes)
            {
                return _pages[i][offset / PageBytes] = Allocate(i, region, offset / PageBytes);
            }
        }

        return null;
    }

    /// <summary>The block at an offset of a page, decoded if it was not yet.</summary>
    public Op* GetBlock(CodePage* page, uint offset)
    {
        var index = page->Blocks[offset >> 1];
        return Arena + (index != 0 ? index : Decode(page, offset));
    }

    /// <summary>
    /// Looks after a store, already made, to a page that somebody watches: drops the blocks it hit, and tells
    /// dirty tracking.
    /// </summary>
    public void StoredToWatchedPage(GuestRamRegion region, ulong physical, uint sizeBytes)
    {
        var number = (physical - region.Base) / PageBytes;
        var page = Find(physical);
        if (page is null || (region.GetFlags(number) & PageWatch.IsClean) != 0)
        {
            _ram.NotifyWritten(region, physical, sizeBytes);
            return;
        }

        var offset = (int)(physical % PageBytes);
        var lines = (1UL << (offset >> 6)) | (1UL << ((offset + (int)sizeBytes - 1) >> 6));
        if ((page->Lines & lines) != 0)
        {
            Drop(page);
        }
        else if (page->Lines == 0 && ++page->IdleStores >= IdleStoresUntilRelease)
        {
            // No code any more, and it is written to often: from now on it is data.
            _ = region.TakeFlags(number);
        }
    }

    /// <summary>Frees everything.</summary>
    public void Dispose()
    {
        NativeMemory.AlignedFree(Arena);
        Arena = null;
        foreach (var page in _allocated)
        {
            NativeMemory.Free((void*)page);
        }

        _allocated.Clear();
    }

    private CodePage* Find(ulong physical)
    {
        for (var i = 0; i < _pages.Length; i++)
        {
            var region = _ram.Regions[i];
            var offset = physical - region.Base;
            if (offset < region.SizeBytes)
            {
                return _pages[i][offset / PageBytes];
            }
        }

        return null;
    }

    private CodePage* Allocate(int regionIndex, GuestRamRegion region, ulong number)
    {
        if (_free.Count == 0 && _allocated.Count >= MaxPages)
        {
            Recycle();
        }

        if (!_free.TryPop(out var free))
        {
            free = (nint)NativeMemory.AllocZeroed((nuint)sizeof(CodePage));
            _allocated.Add(free);
        }

        var page = (CodePage*)free;
        page->Host = region.Host + (number * PageBytes);
        page->Region = regionIndex;
        page->Number = number;
        return page;
    }

    private static void Drop(CodePage* page)
    {
        if (page->Lines != 0)
        {
            page->Lines = 0;
            new Span<int>(page->Blocks, CodePage.Places).Clear();
        }

        page->IdleStores = 0;
    }

    private int Decode(CodePage* page, uint offset)
    {
        if (_used + MaxBlockInstructions + 1 > _capacity)
        {
            Empty();
        }

        // Before a byte is read: a device that writes from now on finds the flag.
        Watch(page);
        var start = _used;
        var end = DecodeBlock(page, offset, Arena + start, out var count);
        _used += count;
        MarkLines(page, offset, end);
        page->Blocks[offset >> 1] = start;
        page->IdleStores = 0;
        return start;
    }

    private void Watch(CodePage* page)
    {
        var region = _ram.Regions[page->Region];
        if ((region.GetFlags(page->Number) & PageWatch.HasCode) != 0)
        {
            return;
        }

        region.SetFlags(page->Number, PageWatch.HasCode);
        foreach (var mmu in Mmus)
        {
            mmu.RevokeStores(page->Host);
        }
    }

    private static void MarkLines(CodePage* page, uint first, uint end)
    {
        for (var line = first >> 6; line <= (Math.Min(end, PageBytes) - 1) >> 6; line++)
        {
            page->Lines |= 1UL << (int)line;
        }
    }

    // Returns the offset behind the last instruction.
    private static uint DecodeBlock(CodePage* page, uint offset, Op* op, out int count)
    {
        var first = op;
        var instructions = 0;
        while (true)
        {
            if (instructions == MaxBlockInstructions || offset >= PageBytes || (instructions != 0 && Straddles(page, offset)))
            {
                *op = new Op { Code = OpCode.EndBlock, PcOffset = (ushort)offset, Index = (byte)instructions };
                break;
            }

            *op = DecodeAt(page, offset, out var length);
            op->PcOffset = (ushort)offset;
            op->Index = (byte)instructions++;
            offset += length;
            if (Decoder.EndsBlock(op->Code))
            {
                break;
            }

            op++;
        }

        count = (int)(op - first) + 1;
        return offset;
    }

    private static bool Straddles(CodePage* page, uint offset) =>
        offset == PageBytes - 2 && (*(ushort*)(page->Host + offset) & 3) == 3;

    private static Op DecodeAt(CodePage* page, uint offset, out uint lengthBytes)
    {
        uint low = *(ushort*)(page->Host + offset);
        if ((low & 3) != 3)
        {
            lengthBytes = 2;
            return Decoder.Decode(CompressedExpander.Expand(low), 2);
        }

        lengthBytes = 4;
        return offset == PageBytes - 2
            ? new Op { Code = OpCode.Straddle, Imm = (int)low }
            : Decoder.Decode(low | ((uint)*(ushort*)(page->Host + offset + 2) << 16), 4);
    }

    // Gives all pages back for other ones. Their marks stay: the first store to such a page clears them.
    private void Recycle()
    {
        Empty();
        foreach (var page in _allocated)
        {
            var old = (CodePage*)page;
            _pages[old->Region][old->Number] = null;
            _free.Push(page);
        }

        foreach (var mmu in Mmus)
        {
            mmu.FlushFetches();
        }
    }

    private void Empty()
    {
        foreach (var page in _allocated)
        {
            Drop((CodePage*)page);
        }

        _used = 1;
        Generation++;
    }
}
