using System.Buffers.Binary;
using Eider.Hardware.Memory;
using Eider.Testing.Memory;

namespace Eider.Fuzz.Tests.Targets;

/// <summary>RAM as a Simple VirtIO Block device sees it: it may write where an entry that it has read says "read", and nowhere else.</summary>
/// <param name="ram">The RAM.</param>
internal sealed class SvirtbFuzzMemory(GuestRam ram) : GuestMemoryDecorator(ram)
{
    private const int EntryBytes = 28;

    private ulong _address;
    private ulong _length;

    /// <summary>The first broken promise.</summary>
    public string? Violation { get; private set; }

    /// <summary>A new case, or a reset: nothing may be written any more.</summary>
    public void Forget() => (_address, _length, Violation) = (0, 0, null);

    /// <inheritdoc/>
    protected override void OnRead(ulong address, Span<byte> bytes)
    {
        if (bytes.Length == EntryBytes)
        {
            var isRead = BinaryPrimitives.ReadUInt32LittleEndian(bytes[24..]) == 0;
            _address = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            _length = isRead ? BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]) : 0;
        }
    }

    /// <inheritdoc/>
    protected override void OnWritten(ulong address, int lengthBytes)
    {
        if (lengthBytes > 0 && (address < _address || address - _address > _length || (ulong)lengthBytes > _length - (address - _address)))
        {
            Violation ??= $"writes {lengthBytes} bytes at 0x{address:x}, which the entry does not name";
        }
    }
}
