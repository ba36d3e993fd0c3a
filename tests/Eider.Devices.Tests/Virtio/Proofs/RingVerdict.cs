using Eider.Devices.Virtio.Queue;

namespace Eider.Devices.Tests.Virtio.Proofs;

/// <summary>One descriptor as a driver stored it, of either kind of ring.</summary>
internal readonly record struct RawDescriptor(ulong Address, uint Length, int Flags, int Next, int Id)
{
    public bool HasNext => (Flags & 1) != 0;

    public bool IsWritable => (Flags & 2) != 0;

    public bool IsIndirect => (Flags & 4) != 0;
}

/// <summary>
/// What a list of descriptors comes to, by the rules of virtio 1.3, 2.7.5 and 2.8.5, applied one after the other: its
/// buffers, or the first rule it breaks.
/// </summary>
internal sealed class RingVerdict(FlatMemory memory, int queueSize)
{
    private readonly List<RawDescriptor> _buffers = [];

    public QueueFault Fault { get; private set; }

    /// <summary>All buffers, also those of no length, in order.</summary>
    public IReadOnlyList<RawDescriptor> Buffers => _buffers;

    /// <summary>False: the rule that was broken is known, and the list ends here.</summary>
    public bool Break(QueueFault fault)
    {
        Fault = fault;
        return false;
    }

    public void Clear()
    {
        _buffers.Clear();
        Fault = QueueFault.None;
    }

    /// <summary>Adds a buffer to the list.</summary>
    public bool Add(RawDescriptor buffer)
    {
        _buffers.Add(buffer);
        if (_buffers.Count > queueSize)
        {
            return Break(QueueFault.ChainTooLong);
        }

        if (!buffer.IsWritable && _buffers.Exists(one => one.IsWritable))
        {
            return Break(QueueFault.ReadableAfterWritable);
        }

        if (_buffers.Sum(one => (long)one.Length) > 1L << 32)
        {
            return Break(QueueFault.ChainTooLarge);
        }

        // In 128 bits, so that nothing wraps around.
        var end = (UInt128)buffer.Address + buffer.Length;
        return buffer.Length == 0 || (buffer.Address >= memory.Start && end <= memory.End) || Break(QueueFault.BufferOutsideRam);
    }

    /// <summary>Looks at a descriptor that refers to a table.</summary>
    public bool MayRefer(RawDescriptor table, bool isNegotiated, bool mayStandHere)
    {
        if (!isNegotiated)
        {
            return Break(QueueFault.IndirectNotNegotiated);
        }

        if (!mayStandHere || table.HasNext)
        {
            return Break(QueueFault.IndirectNested);
        }

        return (table.Length > 0 && table.Length % 16 == 0 && table.Length / 16 <= 32768) || Break(QueueFault.IndirectTableSize);
    }
}
