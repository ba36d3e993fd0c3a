using Eider.Hardware.Bus;

namespace Eider.Hardware.Resources;

/// <summary>One thing that a device was given. One of seven kinds, each a record of its own.</summary>
public abstract record Resource
{
    private protected Resource()
    {
    }

    /// <summary>Ports: <paramref name="Size"/> of them from <paramref name="Base"/>.</summary>
    public sealed record PioAddressRange(PioAddress Base, ushort Size) : Resource;

    /// <summary>Memory-mapped registers: <paramref name="Size"/> bytes from <paramref name="Base"/>.</summary>
    public sealed record MmioAddressRange(IoAddress Base, ulong Size) : Resource;

    /// <summary>Device memory that is not trapped: <paramref name="Size"/> bytes from <paramref name="Base"/>.</summary>
    public sealed record MemAddressRange(ulong Base, ulong Size) : Resource;

    /// <summary>A wire to the board's interrupt controller.</summary>
    public sealed record LegacyIrq(uint Irq) : Resource;

    /// <summary>Message-signalled interrupts: <paramref name="Size"/> of them from <paramref name="Base"/>.</summary>
    /// <param name="Type">What they are for.</param>
    /// <param name="Base">The first vector.</param>
    /// <param name="Size">How many.</param>
    public sealed record MsiIrq(MsiIrqType Type, uint Base, uint Size) : Resource;

    /// <summary>A network card's address, as text.</summary>
    public sealed record MacAddress(string Value) : Resource;

    /// <summary>A slot of the engine for a memory region.</summary>
    public sealed record MemorySlot(uint Slot) : Resource;
}
