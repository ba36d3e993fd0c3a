using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;

namespace Eider.Devices.Pci;

/// <summary>
/// The ISA bridge of Intel's PIIX3 and PIIX4 (82371SB, order 290550; 82371AB, order 290562), function 0 of its device: routes the four
/// PCI interrupt wires to interrupt lines of the ISA bus by PIRQRC[A:D] (0x60 to 0x63). The other registers keep what is written.
/// </summary>
public sealed class PiixIsaBridge : PciFunction
{
    private const int FirstRoute = 0x60;
    private const int Wires = 4;
    private const uint RouteDisabled = 0x80;

    // IRQ 0 to 2, 8 and 13 belong to the PC's own devices: the data sheet reserves them.
    private const uint Routable = 0b1101_1110_1111_1000;

    private static readonly (int Offset, int Width, uint Value)[] ResetValues =
    [
        (0x4C, 1, 0x4D), (0x4E, 2, 0x0003), (FirstRoute, 4, 0x8080_8080), (0x69, 1, 0x02), (0x70, 1, 0x80), (0x76, 2, 0x0C0C), (0x78, 2, 0x0002),
        (0xA0, 1, 0x08), (0xA8, 1, 0x0F),
    ];

    private readonly Lock _gate = new();
    private readonly IReadOnlyList<IInterruptLine> _isaLines;
    private readonly bool[] _levels = new bool[Wires]; // of the PCI wires; guarded by _gate
    private readonly bool[] _driven = new bool[16]; // of the ISA lines; guarded by _gate

    /// <summary>As after power-on: nothing is routed.</summary>
    /// <param name="isPiix4">True for a PIIX4, false for a PIIX3.</param>
    /// <param name="isaLines">IRQ 0 to 15.</param>
    /// <exception cref="ArgumentException">There are not sixteen lines.</exception>
    public PiixIsaBridge(bool isPiix4, IReadOnlyList<IInterruptLine> isaLines)
        : base(new PciIdentity(0x8086, isPiix4 ? (ushort)0x7110 : (ushort)0x7000, 0x06_0100), [])
    {
        ArgumentNullException.ThrowIfNull(isaLines);
        if (isaLines.Count != 16)
        {
            throw new ArgumentException($"{isaLines.Count} ISA lines, expected 16", nameof(isaLines));
        }

        _isaLines = isaLines;
        Config.SetBits((int)PciRegister.Status, 2, (uint)PciStatus.DevselMedium, (uint)PciStatus.DevselMedium);
        foreach (var (offset, width, value) in ResetValues)
        {
            Config.Set(offset, width, value);
            Config.SetWritable(offset, width, uint.MaxValue >> (8 * (4 - width)));
        }

        Config.SetWritable(FirstRoute, 4, 0x8F8F_8F8F);
        ReserveConfig(PciConfigSpace.SizeBytes);
        PirqLines = [.. Enumerable.Range(0, Wires).Select(wire => new Pirq(this, wire))];
    }

    /// <summary>Where the bus's four interrupt wires lead to.</summary>
    public IReadOnlyList<IInterruptLine> PirqLines { get; }

    /// <inheritdoc/>
    public override BusResult WriteConfig(int offset, ReadOnlySpan<byte> data)
    {
        var result = base.WriteConfig(offset, data);
        if (offset < FirstRoute + Wires && offset + data.Length > FirstRoute)
        {
            Drive();
        }

        return result;
    }

    /// <inheritdoc/>
    public override BusResult Reset()
    {
        var result = base.Reset();
        Drive();
        return result;
    }

    private void SetLevel(int wire, bool level)
    {
        lock (_gate)
        {
            _levels[wire] = level;
        }

        Drive();
    }

    // Under the lock, so that who comes last sees, and drives, the last levels. Lines of a PC are shared: any wire makes one high.
    private void Drive()
    {
        lock (_gate)
        {
            var high = 0U;
            for (var wire = 0; wire < Wires; wire++)
            {
                var route = Config.Get(FirstRoute + wire, 1);
                high |= _levels[wire] && (route & RouteDisabled) == 0 ? 1U << (int)(route & 0xF) : 0;
            }

            for (var irq = 0; irq < _driven.Length; irq++)
            {
                var level = (high & Routable & (1U << irq)) != 0;
                if (level != _driven[irq])
                {
                    _driven[irq] = level;
                    _isaLines[irq].SetLevel(level);
                }
            }
        }
    }

    private sealed class Pirq(PiixIsaBridge bridge, int wire) : IInterruptLine
    {
        public void SetLevel(bool level) => bridge.SetLevel(wire, level);
    }
}
