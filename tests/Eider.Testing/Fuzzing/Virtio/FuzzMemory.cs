using System.Buffers.Binary;
using Eider.Hardware.Memory;
using Eider.Testing.Memory;

namespace Eider.Testing.Fuzzing.Virtio;

/// <summary>
/// RAM as a device under fuzz sees it. It knows what the driver allowed: the device's part of each ring, and every buffer
/// of a descriptor with WRITE that the device has read. A write anywhere else, a lease that does not come back and more
/// reads than a doorbell may cost are remembered as a broken promise.
/// </summary>
/// <param name="ram">The RAM.</param>
public sealed class FuzzMemory(GuestRam ram) : GuestMemoryDecorator(ram)
{
    private const int DescriptorBytes = 16;
    private const int PackedBodyBytes = 14;
    private const int WriteFlag = 2;

    private readonly List<(ulong Address, ulong LengthBytes)> _allowed = [];
    private ushort _flags;
    private ulong _flagsAt;

    /// <summary>True for descriptors of packed rings.</summary>
    public bool IsPacked { get; set; }

    /// <summary>Reads so far, since it was last set.</summary>
    public int Reads { get; set; }

    /// <summary>Most reads that are allowed until then.</summary>
    public int MaxReads { get; set; } = int.MaxValue;

    /// <summary>Leases that are out.</summary>
    public int Leases { get; private set; }

    /// <summary>The first broken promise; null if there is none.</summary>
    public string? Violation { get; private set; }

    /// <summary>The device may write here.</summary>
    public void Allow(ulong address, ulong lengthBytes) => _allowed.Add((address, lengthBytes));

    /// <summary>From now on the device may write nowhere.</summary>
    public void AllowNothing()
    {
        _allowed.Clear();
        _flagsAt = 0;
    }

    /// <summary>Forgets what was broken.</summary>
    public void Forget()
    {
        AllowNothing();
        Violation = null;
        Reads = 0;
        Leases = 0;
    }

    /// <inheritdoc/>
    protected override void OnRead(ulong address, Span<byte> bytes)
    {
        if (++Reads > MaxReads)
        {
            Break($"more than {MaxReads} reads of guest memory for one doorbell");
        }

        switch (bytes.Length)
        {
            case sizeof(ushort):
                (_flags, _flagsAt) = (BinaryPrimitives.ReadUInt16LittleEndian(bytes), address);
                break;
            case PackedBodyBytes when _flagsAt == unchecked(address + PackedBodyBytes):
                AllowBuffer(bytes, _flags);
                break;
            case DescriptorBytes:
                AllowBuffer(bytes, BinaryPrimitives.ReadUInt16LittleEndian(bytes[(IsPacked ? 14 : 12)..]));
                break;
        }
    }

    /// <inheritdoc/>
    protected override void OnWritten(ulong address, int lengthBytes) => Check(address, (ulong)lengthBytes);

    /// <inheritdoc/>
    protected override Memory<byte> OnLeased(in GuestLease taken)
    {
        Leases++;
        if (taken.Access == GuestMemoryAccess.Write)
        {
            Check(taken.Address, (ulong)taken.Memory.Length);
        }

        return taken.Memory;
    }

    /// <inheritdoc/>
    protected override void OnReturned(in GuestLease lease, int writtenBytes)
    {
        Leases--;
        if (writtenBytes > lease.Memory.Length || (writtenBytes != 0 && lease.Access != GuestMemoryAccess.Write))
        {
            Break($"a lease of {lease.Memory.Length} bytes says that {writtenBytes} were written");
        }
    }

    private void AllowBuffer(ReadOnlySpan<byte> descriptor, ushort flags)
    {
        if ((flags & WriteFlag) != 0)
        {
            Allow(BinaryPrimitives.ReadUInt64LittleEndian(descriptor), BinaryPrimitives.ReadUInt32LittleEndian(descriptor[8..]));
        }
    }

    private void Check(ulong address, ulong lengthBytes)
    {
        // The last ones first: they are the ones of the request in progress.
        for (var i = _allowed.Count - 1; i >= 0; i--)
        {
            var (start, length) = _allowed[i];
            if (address >= start && address - start <= length && lengthBytes <= length - (address - start))
            {
                return;
            }
        }

        if (lengthBytes != 0)
        {
            Break($"writes {lengthBytes} bytes at 0x{address:x}, which is no writable buffer");
        }
    }

    private void Break(string promise)
    {
        Violation ??= promise;
        throw new FuzzException(promise); // ends a loop without end, too
    }
}
