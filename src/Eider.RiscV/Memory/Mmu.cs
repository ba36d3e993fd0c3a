using System.Runtime.CompilerServices;
using Eider.Hardware.Bus;
using Eider.Hardware.Memory;
using Eider.RiscV.Csr;
using Eider.RiscV.Decoding;
using Eider.RiscV.Execution;

namespace Eider.RiscV.Memory;

/// <summary>
/// The memory side of one hart: TLBs, and the slow paths behind them: translation, protection, accesses
/// across pages, device registers. A slow path that traps leaves cause and value in the hart's state.
/// </summary>
/// <remarks>
/// There is a data TLB for each of U, S, S with SUM, and M, and a fetch TLB for each of U, S and M: changes of
/// mode and of SUM flush nothing.
/// </remarks>
internal sealed unsafe partial class Mmu
{
    /// <summary>A tag that no address of a page has.</summary>
    public const ulong InvalidTag = 1;

    /// <summary>Entries of each data TLB.</summary>
    public const int DataEntries = 512;

    /// <summary>Entries of each fetch TLB.</summary>
    public const int FetchEntries = 256;

    /// <summary>Everything but the offset in a page.</summary>
    public const ulong PageMask = ~0xFFFUL;

    private const int DataSets = 4;
    private const int FetchSets = 3;
    private const int MachineDataSet = 3;

    private readonly HartState* _state;
    private readonly GuestRam _ram;
    private readonly IoManager _io;
    private readonly CodeCache _code;
    private readonly PageWalker _walker;
    private readonly ulong[] _storage;
    private readonly DataTlbEntry* _data;
    private readonly FetchTlbEntry* _fetch;
    private readonly ulong[] _superpages = new ulong[8];

    /// <summary>Makes empty TLBs.</summary>
    public Mmu(HartState* state, RiscVEngineOptions options, CodeCache code)
    {
        _state = state;
        _ram = options.Ram;
        _io = options.Io;
        _code = code;
        Pmp = new Pmp(state);
        _walker = new PageWalker(state, _ram, Pmp, code);
        var dataBytes = DataSets * DataEntries * sizeof(DataTlbEntry);
        var bytes = dataBytes + (FetchSets * FetchEntries * sizeof(FetchTlbEntry));
        _storage = GC.AllocateUninitializedArray<ulong>((bytes + 64) / sizeof(ulong), pinned: true);

        // SAFETY: the array is pinned and lives as long as this object; 64 spare bytes pay for the alignment.
        var aligned = ((nuint)Unsafe.AsPointer(ref _storage[0]) + 63) & ~(nuint)63;
        _data = (DataTlbEntry*)aligned;
        _fetch = (FetchTlbEntry*)(aligned + (nuint)dataBytes);
        FlushAll();
        SelectMode();
    }

    /// <summary>Physical memory protection.</summary>
    public Pmp Pmp { get; }

    /// <summary>What a device was asked and has not answered yet; set when a slow path says pending.</summary>
    public PendingAccess? Pending { get; private set; }

    /// <summary>Mode that loads and stores are made in: the current one, or MPP under MPRV.</summary>
    public PrivilegeMode DataMode { get; private set; }

    /// <summary>Chooses the TLBs after a change of mode, MPRV, MPP or SUM.</summary>
    public void SelectMode()
    {
        var status = _state->Mstatus;
        DataMode = _state->Privilege == PrivilegeMode.Machine && (status & Status.Mprv) != 0
            ? (PrivilegeMode)((status & Status.Mpp) >> Status.MppShift)
            : _state->Privilege;
        var set = DataMode switch
        {
            PrivilegeMode.User => 0,
            PrivilegeMode.Supervisor => (status & Status.Sum) != 0 ? 2 : 1,
            _ => MachineDataSet,
        };
        _state->DataTlb = _data + (set * DataEntries);
        _state->FetchTlb = _fetch + (_state->Privilege == PrivilegeMode.Machine ? 2 : (int)_state->Privilege) * FetchEntries;
    }

    /// <summary>Forgets every translation.</summary>
    public void FlushAll()
    {
        var words = (DataSets * DataEntries * sizeof(DataTlbEntry) / sizeof(ulong))
            + (FetchSets * FetchEntries * sizeof(FetchTlbEntry) / sizeof(ulong));

        // SAFETY: both tables lie one behind the other in the pinned storage.
        new Span<ulong>(_data, words).Fill(InvalidTag);
        Array.Clear(_superpages);
    }

    /// <summary>Forgets every translation of S and U; those of M are physical and stay.</summary>
    public void FlushTranslated()
    {
        new Span<ulong>(_data, MachineDataSet * DataEntries * sizeof(DataTlbEntry) / sizeof(ulong)).Fill(InvalidTag);
        new Span<ulong>(_fetch, 2 * FetchEntries * sizeof(FetchTlbEntry) / sizeof(ulong)).Fill(InvalidTag);
        Array.Clear(_superpages);
    }

    /// <summary>Forgets which pages of code lie where.</summary>
    public void FlushFetches() => new Span<ulong>(_fetch, FetchSets * FetchEntries * sizeof(FetchTlbEntry) / sizeof(ulong)).Fill(InvalidTag);

    /// <summary>Forgets the translation of one virtual address; everything, if a superpage may hold it.</summary>
    public void FlushPage(ulong address)
    {
        var gigabyte = address >> 30;
        if ((_superpages[(gigabyte >> 6) & 7] & (1UL << (int)(gigabyte & 63))) != 0)
        {
            FlushTranslated();
            return;
        }

        for (var set = 0; set < MachineDataSet; set++)
        {
            var entry = DataEntry(_data + (set * DataEntries), address);
            entry->LoadTag = InvalidTag;
            entry->StoreTag = InvalidTag;
        }

        for (var set = 0; set < 2; set++)
        {
            _fetch[(set * FetchEntries) + (int)((address >> 12) & (FetchEntries - 1))].Tag = InvalidTag;
        }
    }

    /// <summary>Takes the permission for direct stores from every entry that leads to a host page.</summary>
    public void RevokeStores(byte* hostPage)
    {
        for (var entry = _data; entry < _data + (DataSets * DataEntries); entry++)
        {
            if (entry->StoreTag != InvalidTag && entry->StoreTag + entry->Addend == (ulong)hostPage)
            {
                entry->StoreTag = InvalidTag;
            }
        }
    }

    /// <summary>Takes the permission for direct stores from every entry.</summary>
    public void RevokeAllStores()
    {
        for (var entry = _data; entry < _data + (DataSets * DataEntries); entry++)
        {
            entry->StoreTag = InvalidTag;
        }
    }

    /// <summary>The block at a virtual address; null if the fetch traps.</summary>
    public Op* FindBlock(ulong pc)
    {
        var entry = _state->FetchTlb + ((pc >> 12) & (FetchEntries - 1));
        if (entry->Tag != (pc & PageMask))
        {
            if (!TryTranslate(pc, AccessKind.Fetch, _state->Privilege, out var physical))
            {
                return null;
            }

            var page = _code.GetPage(physical);
            if (page is null)
            {
                RaiseAccessFault(pc, AccessKind.Fetch);
                return null;
            }

            entry->Page = page;
            entry->Tag = pc & PageMask;
        }

        return _code.GetBlock(entry->Page, (uint)(pc & 0xFFF));
    }

    /// <summary>Reads two bytes of code outside of the block cache.</summary>
    public bool TryFetchHalfword(ulong pc, out uint value)
    {
        value = 0;
        if (!TryTranslate(pc, AccessKind.Fetch, _state->Privilege, out var physical))
        {
            return false;
        }

        var region = _ram.Find(physical, 2);
        if (region is null)
        {
            RaiseAccessFault(pc, AccessKind.Fetch);
            return false;
        }

        // SAFETY: Find checked the range.
        value = *(ushort*)(region.Host + (physical - region.Base));
        return true;
    }

    /// <summary>Translates for an access in a mode, checks permissions and PMP; on failure the trap is raised.</summary>
    public bool TryTranslate(ulong address, AccessKind kind, PrivilegeMode mode, out ulong physical)
    {
        if (mode == PrivilegeMode.Machine || _state->Satp >> 60 == 0)
        {
            physical = address;
        }
        else if (!_walker.TryWalk(address, kind, mode, out physical, out var level))
        {
            return false;
        }
        else if (level > 2)
        {
            // One page of many gigabytes: a fence for any address in it is one for all.
            Array.Fill(_superpages, ulong.MaxValue);
        }
        else if (level > 0)
        {
            var gigabyte = address >> 30;
            _superpages[(gigabyte >> 6) & 7] |= 1UL << (int)(gigabyte & 63);
        }

        if (Pmp.Allows(physical, kind, mode))
        {
            return true;
        }

        RaiseAccessFault(address, kind);
        return false;
    }

    /// <summary>
    /// Host address of RAM for an atomic access, aligned and so inside one page; null if it traps. The caller
    /// calls <see cref="FinishAtomicStore"/> after a write.
    /// </summary>
    public byte* TranslateAtomic(ulong address, AccessKind kind, out ulong physical)
    {
        if (!TryTranslate(address, kind, DataMode, out physical))
        {
            return null;
        }

        var region = _ram.Find(physical, 8 - (physical & 7));
        if (region is null || (region.IsReadOnly && kind != AccessKind.Load))
        {
            RaiseAccessFault(address, kind);
            return null;
        }

        return region.Host + (physical - region.Base);
    }

    /// <summary>Looks after watched pages once an atomic access has written.</summary>
    public void FinishAtomicStore(ulong physical, uint sizeBytes)
    {
        var region = _ram.Find(physical, sizeBytes)!;
        if (region.GetFlags((physical - region.Base) >> 12) != PageWatch.None)
        {
            _code.StoredToWatchedPage(region, physical, sizeBytes);
        }
    }

    private static DataTlbEntry* DataEntry(DataTlbEntry* set, ulong address) => set + ((address >> 12) & (DataEntries - 1));

    private void RaiseAccessFault(ulong address, AccessKind kind) => Raise(
        kind switch
        {
            AccessKind.Fetch => TrapCause.InstructionAccessFault,
            AccessKind.Load => TrapCause.LoadAccessFault,
            _ => TrapCause.StoreAccessFault,
        },
        address);

    private Outcome Raise(TrapCause cause, ulong value)
    {
        _state->TrapCause = cause;
        _state->TrapValue = value;
        return Outcome.Trap;
    }
}
