using System.Globalization;
using Eider.Testing.Qemu;

namespace Eider.Testing.Ide;

/// <summary>One channel of the IDE controller of a QEMU machine.</summary>
/// <param name="qemu">The machine.</param>
/// <param name="command">The first port of the command block.</param>
/// <param name="control">The port of the control block.</param>
/// <param name="master">The first port of the channel's bus master.</param>
/// <param name="isInterrupting">Tells the level of the interrupt.</param>
public sealed class QtestIdeDriver(QtestConnection qemu, int command, int control, int master, Func<bool> isInterrupting) : IdeDriver
{
    private const uint TestMemory = 0x10_0000;

    /// <summary>Address of port 0 for machines that have ports in memory; null for port instructions.</summary>
    public ulong? PortWindow { get; init; }

    /// <summary>What the bus master adds to an address of RAM.</summary>
    public uint DmaOffset { get; init; }

    /// <inheritdoc/>
    public override uint MemoryBase => DmaOffset + TestMemory;

    /// <inheritdoc/>
    public override bool IsInterrupting => isInterrupting();

    /// <inheritdoc/>
    public override ushort InWord() => (ushort)In(command, 2);

    /// <inheritdoc/>
    public override void OutWord(ushort value) => Out(command, 2, value);

    /// <inheritdoc/>
    public override byte InAlternate() => (byte)In(control, 1);

    /// <inheritdoc/>
    public override void OutControl(byte value) => Out(control, 1, value);

    /// <inheritdoc/>
    public override byte InBusMaster(int offset) => (byte)In(master + offset, 1);

    /// <inheritdoc/>
    public override void OutBusMaster(int offset, byte value) => Out(master + offset, 1, value);

    /// <inheritdoc/>
    public override void OutTable(uint address) => Out(master + 4, 4, address);

    /// <inheritdoc/>
    public override void ReadMemory(ulong address, Span<byte> bytes) =>
        Convert.FromHexString(qemu.Send(Invariant($"read 0x{address - DmaOffset:x} 0x{bytes.Length:x}")).AsSpan(2)).CopyTo(bytes);

    /// <inheritdoc/>
    public override void WriteMemory(ulong address, ReadOnlySpan<byte> bytes) =>
        qemu.Send(Invariant($"write 0x{address - DmaOffset:x} 0x{bytes.Length:x} 0x{Convert.ToHexString(bytes)}"));

    // The storage of QEMU works on its own: it is done when BSY is off, and then a moment for the interrupt.
    /// <inheritdoc/>
    public override void Settle()
    {
        for (var i = 0; i < 2000; i++)
        {
            Thread.Sleep(2);
            var isDmaRunning = (InBusMaster(2) & (BmActive | BmInterrupt)) == BmActive && (InAlternate() & DataRequest) != 0;
            if ((InAlternate() & Busy) == 0 && !isDmaRunning)
            {
                return;
            }
        }
    }

    /// <inheritdoc/>
    protected override byte ReadRegister(int index) => (byte)In(command + index, 1);

    /// <inheritdoc/>
    protected override void WriteRegister(int index, byte value) => Out(command + index, 1, value);

    private uint In(int port, int width) => (uint)qemu.Read(PortWindow is { } window
        ? Invariant($"read{"bwwl"[width - 1]} 0x{window + (ulong)port:x}")
        : Invariant($"in{"bwwl"[width - 1]} 0x{port:x}"));

    private void Out(int port, int width, uint value) => qemu.Send(PortWindow is { } window
        ? Invariant($"write{"bwwl"[width - 1]} 0x{window + (ulong)port:x} 0x{value:x}")
        : Invariant($"out{"bwwl"[width - 1]} 0x{port:x} 0x{value:x}"));

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
