using System.Buffers.Binary;
using Eider.Hardware.Memory;
using Eider.Testing.Memory;

namespace Eider.Fuzz.Tests.Targets;

/// <summary>RAM as a bus master sees it: it may write where an entry of a table says that it has read, and nowhere else.</summary>
/// <param name="ram">The RAM.</param>
internal sealed class IdeFuzzMemory(GuestRam ram) : GuestMemoryDecorator(ram)
{
    private const int EntryBytes = 8;

    private readonly List<(ulong Address, ulong LengthBytes)> _regions = [];

    /// <summary>The first broken promise.</summary>
    public string? Violation { get; private set; }

    /// <summary>A new case, or a reset: nothing may be written any more.</summary>
    public void Forget()
    {
        _regions.Clear();
        Violation = null;
    }

    /// <inheritdoc/>
    protected override void OnRead(ulong address, Span<byte> bytes)
    {
        if (bytes.Length == EntryBytes)
        {
            var count = BinaryPrimitives.ReadUInt16LittleEndian(bytes[4..]) & 0xFFFEu;
            _regions.Add((BinaryPrimitives.ReadUInt32LittleEndian(bytes) & ~1U, count == 0 ? 0x1_0000 : count));
        }
    }

    /// <inheritdoc/>
    protected override void OnWritten(ulong address, int lengthBytes)
    {
        for (var i = _regions.Count - 1; i >= 0 && lengthBytes > 0; i--)
        {
            var (start, length) = _regions[i];
            if (address >= start && address - start <= length && (ulong)lengthBytes <= length - (address - start))
            {
                return;
            }
        }

        if (lengthBytes > 0)
        {
            Violation ??= $"writes {lengthBytes} bytes at 0x{address:x}, which no table names";
        }
    }
}
