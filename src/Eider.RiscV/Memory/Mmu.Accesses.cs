using System.Buffers.Binary;
using Eider.Hardware.Bus;
using Eider.Hardware.Memory;
using Eider.RiscV.Execution;

namespace Eider.RiscV.Memory;

/// <content>Loads and stores that missed the TLB.</content>
internal sealed unsafe partial class Mmu
{
    /// <summary>Reads 1 to 8 bytes, zero-extended.</summary>
    public Outcome Load(ulong address, uint sizeBytes, out ulong value)
    {
        value = 0;
        if ((address & 0xFFF) + sizeBytes > 0x1000)
        {
            return LoadAcrossPages(address, sizeBytes, out value);
        }

        if (!TryTranslate(address, AccessKind.Load, DataMode, out var physical))
        {
            return Outcome.Trap;
        }

        var region = _ram.Find(physical, 1);
        if (region is null)
        {
            return LoadFromDevice(address, physical, sizeBytes, out value);
        }

        // SAFETY: regions are whole pages, and the access lies in one.
        var host = region.Host + (physical - region.Base);
        var entry = DataEntry(_state->DataTlb, address);
        var addend = (ulong)host - address;
        entry->LoadTag = address & PageMask;
        // Without a fence the page may have moved since: what was allowed at its old place is not allowed at the new one.
        entry->StoreTag = entry->StoreTag == entry->LoadTag && entry->Addend == addend ? entry->StoreTag : InvalidTag;
        entry->Addend = addend;
        value = ReadHost(host, sizeBytes);
        return Outcome.Done;
    }

    /// <summary>Writes 1 to 8 bytes.</summary>
    public Outcome Store(ulong address, uint sizeBytes, ulong value)
    {
        if ((address & 0xFFF) + sizeBytes > 0x1000)
        {
            return StoreAcrossPages(address, sizeBytes, value);
        }

        if (!TryTranslate(address, AccessKind.Store, DataMode, out var physical))
        {
            return Outcome.Trap;
        }

        var region = _ram.Find(physical, 1);
        if (region is null)
        {
            return StoreToDevice(address, physical, sizeBytes, value);
        }

        if (region.IsReadOnly)
        {
            return Raise(TrapCause.StoreAccessFault, address);
        }

        // SAFETY: as in Load.
        var host = region.Host + (physical - region.Base);
        WriteHost(host, sizeBytes, value);
        if (region.GetFlags((physical - region.Base) >> 12) != PageWatch.None)
        {
            _code.StoredToWatchedPage(region, physical, sizeBytes);
            return Outcome.Done;
        }

        var entry = DataEntry(_state->DataTlb, address);
        entry->StoreTag = address & PageMask;
        entry->LoadTag = entry->LoadTag == entry->StoreTag ? entry->LoadTag : InvalidTag;
        entry->Addend = (ulong)host - address;
        return Outcome.Done;
    }

    /// <summary>Takes the answer of a completed <see cref="Pending"/> access.</summary>
    public ulong TakePendingValue()
    {
        var value = Pending!.TakeValue();
        Pending = null;
        return value;
    }

    private static ulong ReadHost(byte* host, uint sizeBytes) => sizeBytes switch
    {
        1 => *host,
        2 => *(ushort*)host,
        4 => *(uint*)host,
        _ => *(ulong*)host,
    };

    private static void WriteHost(byte* host, uint sizeBytes, ulong value)
    {
        switch (sizeBytes)
        {
            case 1:
                *host = (byte)value;
                break;
            case 2:
                *(ushort*)host = (ushort)value;
                break;
            case 4:
                *(uint*)host = (uint)value;
                break;
            default:
                *(ulong*)host = value;
                break;
        }
    }

    private Outcome LoadAcrossPages(ulong address, uint sizeBytes, out ulong value)
    {
        value = 0;
        var firstBytes = (uint)(0x1000 - (address & 0xFFF));
        if (!TryTranslate(address, AccessKind.Load, DataMode, out var first)
            || !TryTranslate(address + firstBytes, AccessKind.Load, DataMode, out var second))
        {
            return Outcome.Trap;
        }

        Span<byte> bytes = stackalloc byte[8];
        bytes.Clear();
        if (!_ram.TryRead(first, bytes[..(int)firstBytes]) || !_ram.TryRead(second, bytes[(int)firstBytes..(int)sizeBytes]))
        {
            return Raise(TrapCause.LoadMisaligned, address);
        }

        value = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        return Outcome.Done;
    }

    // Both halves are translated before a byte is written.
    private Outcome StoreAcrossPages(ulong address, uint sizeBytes, ulong value)
    {
        var firstBytes = (uint)(0x1000 - (address & 0xFFF));
        if (!TryTranslate(address, AccessKind.Store, DataMode, out var first)
            || !TryTranslate(address + firstBytes, AccessKind.Store, DataMode, out var second))
        {
            return Outcome.Trap;
        }

        if (!_ram.Contains(first, firstBytes) || !_ram.Contains(second, sizeBytes - firstBytes))
        {
            return Raise(TrapCause.StoreMisaligned, address);
        }

        if (IsReadOnly(first) || IsReadOnly(second))
        {
            return Raise(TrapCause.StoreAccessFault, address);
        }

        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);

        // These look after watched pages as a device's write does.
        _ = _ram.TryWrite(first, bytes[..(int)firstBytes]);
        _ = _ram.TryWrite(second, bytes[(int)firstBytes..(int)sizeBytes]);
        return Outcome.Done;
    }

    private bool IsReadOnly(ulong physical) => _ram.Find(physical, 1)!.IsReadOnly;

    private Outcome LoadFromDevice(ulong address, ulong physical, uint sizeBytes, out ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        bytes.Clear();
        var result = _io.MmioRead(physical, bytes[..(int)sizeBytes]);
        value = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        return Answered(result, address, TrapCause.LoadAccessFault);
    }

    private Outcome StoreToDevice(ulong address, ulong physical, uint sizeBytes, ulong value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        var result = _io.MmioWrite(physical, bytes[..(int)sizeBytes]);
        return Answered(result, address, TrapCause.StoreAccessFault);
    }

    // What the bus filled in goes on as it is; only an address that nobody claims traps.
    private Outcome Answered(BusResult result, ulong address, TrapCause fault)
    {
        switch (result.Status)
        {
            case BusStatus.NoDevice:
                return Raise(fault, address);
            case BusStatus.Pending:
                Pending = result.Pending;
                return Outcome.Pending;
            default:
                return Outcome.Done;
        }
    }
}
