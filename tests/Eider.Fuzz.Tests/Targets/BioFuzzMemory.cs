using Eider.Hardware.Memory;
using Eider.Testing.Memory;

namespace Eider.Fuzz.Tests.Targets;

/// <summary>RAM as a BIO sees it: it may take what the last command with DMA named, and nothing else.</summary>
/// <param name="ram">The RAM.</param>
internal sealed class BioFuzzMemory(GuestRam ram) : GuestMemoryDecorator(ram)
{
    private readonly List<(ulong Address, ulong LengthBytes)> _allowed = [];
    private int _out;

    /// <summary>The first broken promise.</summary>
    public string? Violation { get; private set; }

    /// <summary>Leases that are not back.</summary>
    public int Outstanding => _out;

    /// <summary>A new case, or a reset: nothing may be taken any more.</summary>
    public void Forget()
    {
        _allowed.Clear();
        Violation = null;
    }

    /// <summary>A command names a range.</summary>
    public void Allow(ulong address, ulong lengthBytes) => _allowed.Add((address, lengthBytes));

    /// <inheritdoc/>
    protected override Memory<byte> OnLeased(in GuestLease taken)
    {
        _out++;
        Check(taken.Address, taken.Memory.Length);
        return taken.Memory;
    }

    /// <inheritdoc/>
    protected override void OnReturned(in GuestLease lease, int writtenBytes) => _out--;

    /// <inheritdoc/>
    protected override void OnRead(ulong address, Span<byte> bytes) => Check(address, bytes.Length);

    /// <inheritdoc/>
    protected override void OnWritten(ulong address, int lengthBytes) => Check(address, lengthBytes);

    private void Check(ulong address, int lengthBytes)
    {
        foreach (var (start, length) in _allowed)
        {
            if (address >= start && address - start <= length && (ulong)lengthBytes <= length - (address - start))
            {
                return;
            }
        }

        Violation ??= $"takes {lengthBytes} bytes at 0x{address:x}, which no command names";
    }
}
