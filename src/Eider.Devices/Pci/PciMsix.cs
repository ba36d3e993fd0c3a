using System.Buffers.Binary;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;

namespace Eider.Devices.Pci;

/// <summary>MSI-X of one function (PCI Local Bus 3.0, section 6.8.2): its table of messages, its pending bits and its control.</summary>
internal sealed class PciMsix(InterruptGroup group, PciConfigSpace config, int capability, int region, uint tableOffset, uint pendingOffset)
{
    /// <summary>Size of one entry of the table, in bytes.</summary>
    public const int EntryBytes = 16;

    /// <summary>What software may write of the control word: MSI-X Enable and Function Mask.</summary>
    public const uint WritableControl = EnableBit | FunctionMaskBit;

    private const int MaxVectors = 2048;
    private const uint EnableBit = 1U << 15;
    private const uint FunctionMaskBit = 1U << 14;

    private readonly Lock _gate = new();
    private readonly Entry[] _table = NewTable(group.Count);
    private bool _isEnabled;
    private bool _isFunctionMasked;

    /// <summary>True while the driver uses it.</summary>
    public bool IsEnabled => Volatile.Read(ref _isEnabled);

    /// <summary>The capability after its header: control, table, pending bits.</summary>
    public static byte[] Body(uint vectors, int region, uint tableOffset, uint pendingOffset)
    {
        var body = new byte[10];
        BinaryPrimitives.WriteUInt16LittleEndian(body, (ushort)(vectors - 1));
        BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(2), tableOffset | (uint)region);
        BinaryPrimitives.WriteUInt32LittleEndian(body.AsSpan(6), pendingOffset | (uint)region);
        return body;
    }

    /// <summary>Refuses tables that cannot be.</summary>
    public static void Check(InterruptGroup group, ulong regionBytes, uint tableOffset, uint pendingOffset)
    {
        if (group.Type != InterruptSourceType.PciMsix || group.Count is < 1 or > MaxVectors)
        {
            throw new ArgumentException($"{group.Count} messages of type {group.Type}, expected 1 to {MaxVectors} of MSI-X", nameof(group));
        }

        var (table, pending) = ((ulong)group.Count * EntryBytes, PendingBytes(group.Count));
        var fits = tableOffset % 8 == 0 && pendingOffset % 8 == 0
            && tableOffset + table <= regionBytes && pendingOffset + pending <= regionBytes
            && (tableOffset + table <= pendingOffset || pendingOffset + pending <= tableOffset);
        if (!fits)
        {
            throw new ArgumentException($"tables at 0x{tableOffset:x} and 0x{pendingOffset:x} overlap, or leave a region of 0x{regionBytes:x} bytes", nameof(tableOffset));
        }
    }

    /// <summary>True if an offset of a region belongs to one of the tables.</summary>
    public bool Covers(int index, ulong offset) =>
        index == region && (InTable(offset) || (offset >= pendingOffset && offset - pendingOffset < PendingBytes(group.Count)));

    /// <summary>Reads a table: double or quad words.</summary>
    public BusResult Read(ulong offset, Span<byte> data)
    {
        if (!IsShaped(offset, data.Length))
        {
            return BusStatus.InvalidSize;
        }

        for (var i = 0; i < data.Length; i += 4)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(data[i..], ReadWord(offset + (ulong)i));
        }

        return BusResult.Ok;
    }

    /// <summary>Writes a table: double or quad words. The pending bits are read-only.</summary>
    public BusResult Write(ulong offset, ReadOnlySpan<byte> data)
    {
        if (!IsShaped(offset, data.Length))
        {
            return BusStatus.InvalidSize;
        }

        for (var i = 0; i < data.Length; i += 4)
        {
            if (InTable(offset + (ulong)i))
            {
                WriteWord((int)(offset + (ulong)i - tableOffset), BinaryPrimitives.ReadUInt32LittleEndian(data[i..]));
            }
        }

        return BusResult.Ok;
    }

    /// <summary>Software wrote configuration space: the control word may have changed.</summary>
    public void ConfigWritten(int offset, int length)
    {
        if (offset < capability + 4 && offset + length > capability + 2)
        {
            lock (_gate)
            {
                var control = config.Get(capability + 2, 2); // under the lock: the last one to write is the last one to be heard
                Apply((control & EnableBit) != 0, (control & FunctionMaskBit) != 0);
            }
        }
    }

    /// <summary>Sends the message of a vector, or makes it pending; one that is not there is nobody's.</summary>
    /// <param name="vector">Which.</param>
    /// <param name="isBusMaster">False if the function may not send: it stays silent.</param>
    public void Signal(uint vector, bool isBusMaster)
    {
        if (vector < group.Count && isBusMaster)
        {
            group.Trigger(vector);
        }
    }

    /// <summary>Off, every vector masked (6.8.2.9).</summary>
    public void Reset()
    {
        lock (_gate)
        {
            Apply(isEnabled: false, isFunctionMasked: false);
            NewTable(group.Count).CopyTo(_table, 0);
        }
    }

    private static ulong PendingBytes(uint vectors) => (vectors + 63) / 64 * 8;

    private static bool IsShaped(ulong offset, int length) => length is 4 or 8 && offset % (uint)length == 0;

    private static Entry[] NewTable(uint vectors)
    {
        var table = new Entry[vectors];
        Array.Fill(table, new Entry { IsMasked = true });
        return table;
    }

    private bool InTable(ulong offset) => offset >= tableOffset && offset - tableOffset < (ulong)group.Count * EntryBytes;

    // Under the lock. Masks come before the group is enabled, so that no message slips out.
    private void Apply(bool isEnabled, bool isFunctionMasked)
    {
        _isFunctionMasked = isFunctionMasked;
        if (isEnabled && !_isEnabled)
        {
            for (var i = 0; i < _table.Length; i++)
            {
                group.Mask((uint)i);
            }

            group.Enable([.. _table.Select(entry => entry.Message)]);
        }
        else if (!isEnabled && _isEnabled)
        {
            group.Disable();
        }

        Volatile.Write(ref _isEnabled, isEnabled);
        for (var i = 0; isEnabled && i < _table.Length; i++)
        {
            ApplyMask(i);
        }
    }

    private void ApplyMask(int vector)
    {
        if (_table[vector].IsMasked || _isFunctionMasked)
        {
            group.Mask((uint)vector);
        }
        else if (group.IsMasked((uint)vector))
        {
            group.Unmask((uint)vector);
        }
    }

    private uint ReadWord(ulong offset)
    {
        if (!InTable(offset))
        {
            return ReadPending((uint)(offset - pendingOffset) * 8);
        }

        lock (_gate)
        {
            ref readonly var entry = ref _table[(int)(offset - tableOffset) / EntryBytes];
            return ((offset - tableOffset) % EntryBytes) switch
            {
                0 => (uint)(entry.Message.Address & uint.MaxValue),
                4 => (uint)(entry.Message.Address >> 32),
                8 => entry.Message.Data,
                _ => entry.IsMasked ? 1U : 0,
            };
        }
    }

    private uint ReadPending(uint first)
    {
        var bits = 0U;
        for (var i = 0; i < 32 && first + i < group.Count; i++)
        {
            bits |= IsEnabled && group.IsPending((uint)(first + i)) ? 1U << i : 0;
        }

        return bits;
    }

    private void WriteWord(int offset, uint value)
    {
        lock (_gate)
        {
            var vector = offset / EntryBytes;
            ref var entry = ref _table[vector];
            var message = entry.Message;
            switch (offset % EntryBytes)
            {
                case 0:
                    // A message is a double word, so the two lowest bits are 0 (6.8.2.6).
                    entry.Message = message with { Address = (message.Address & ~(ulong)uint.MaxValue) | (value & ~3U) };
                    break;
                case 4:
                    entry.Message = message with { Address = (message.Address & uint.MaxValue) | ((ulong)value << 32) };
                    break;
                case 8:
                    entry.Message = message with { Data = value };
                    break;
                default:
                    entry.IsMasked = (value & 1) != 0;
                    break;
            }

            if (_isEnabled)
            {
                group.Update((uint)vector, entry.Message);
                ApplyMask(vector);
            }
        }
    }

    private struct Entry
    {
        public MsiMessage Message;
        public bool IsMasked;
    }
}
