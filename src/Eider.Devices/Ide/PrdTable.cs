using System.Buffers.Binary;
using Eider.Hardware.Memory;

namespace Eider.Devices.Ide;

/// <summary>
/// Walks a table of physical region descriptors (SFF-8038i) and moves bytes to or from the regions. Each
/// descriptor is read once; every one is good for at least two bytes, so that a walk always comes to its end. Used by
/// the channel's worker only.
/// </summary>
/// <param name="memory">The guest's memory.</param>
internal sealed class PrdTable(GuestMemory memory)
{
    private const int EntryBytes = 8;
    private const uint EndOfTable = 0x8000_0000;
    private const uint TableBytes = 0x1_0000;

    private uint _entryAddress;
    private uint _walkedEntries;
    private uint _regionAddress;
    private int _regionBytes;
    private bool _isLast;

    /// <summary>Goes to the start of a table.</summary>
    public void Restart(uint address)
    {
        _entryAddress = address;
        _walkedEntries = 0;
        _regionBytes = 0;
        _isLast = false;
    }

    /// <summary>Moves bytes until there are no more, or the table ends.</summary>
    /// <param name="buffer">The device's bytes.</param>
    /// <param name="toMemory">True to put them into the regions, false to fetch them from there.</param>
    /// <param name="gate">Held while guest memory is touched.</param>
    /// <param name="isWanted">Asked with the gate held; false ends the move.</param>
    public IdeJobResult Move(Span<byte> buffer, bool toMemory, Lock gate, Func<bool> isWanted)
    {
        var moved = 0;
        while (moved < buffer.Length)
        {
            lock (gate)
            {
                if (!isWanted())
                {
                    return new IdeJobResult(IdeJobOutcome.Done, moved);
                }

                if (_regionBytes == 0)
                {
                    if (_isLast)
                    {
                        return new IdeJobResult(IdeJobOutcome.Done, moved, TableEnded: true);
                    }

                    if (!TryReadEntry())
                    {
                        return new IdeJobResult(IdeJobOutcome.BadTable, moved);
                    }
                }

                var piece = buffer.Slice(moved, Math.Min(_regionBytes, buffer.Length - moved));
                if (!(toMemory ? memory.TryWrite(_regionAddress, piece) : memory.TryRead(_regionAddress, piece)))
                {
                    return new IdeJobResult(IdeJobOutcome.BadTable, moved);
                }

                _regionAddress = unchecked(_regionAddress + (uint)piece.Length);
                _regionBytes -= piece.Length;
                moved += piece.Length;
            }
        }

        return new IdeJobResult(IdeJobOutcome.Done, moved, TableEnded: _regionBytes == 0 && _isLast);
    }

    // A table must not cross a boundary of 64 KiB: one that would is bad, also when its end is missing.
    private bool TryReadEntry()
    {
        Span<byte> entry = stackalloc byte[EntryBytes];
        if ((_entryAddress % TableBytes) + EntryBytes > TableBytes
            || (_walkedEntries > 0 && _entryAddress % TableBytes == 0)
            || !memory.TryRead(_entryAddress, entry))
        {
            return false;
        }

        var control = BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]);
        var count = (int)(control & 0xFFFE);
        _regionAddress = BinaryPrimitives.ReadUInt32LittleEndian(entry) & ~1U;
        _regionBytes = count == 0 ? 0x1_0000 : count;
        _isLast = (control & EndOfTable) != 0;
        _entryAddress = unchecked(_entryAddress + EntryBytes);
        _walkedEntries++;
        return true;
    }
}
