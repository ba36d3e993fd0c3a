using Eider.Hardware.Bus;
using static Eider.Devices.Tests.Virtio.Clauses.ClauseBench;
using static Eider.Devices.Virtio.Transport.VirtioMmioRegister;

namespace Eider.Devices.Tests.Virtio.Hostile;

/// <summary>Accesses that the register table does not have, interrupts acknowledged at will, and the configuration space.</summary>
internal static class RegisterScenarios
{
    private const ulong StatusAt = 0x70, ConfigAt = 0x100;
    private const int ConfigBytes = 16;
    private const uint ConfigChange = Clauses.ClauseBench.Config;

    private static readonly int[] Widths = [1, 2, 4, 8];

    public static IEnumerable<HostileScenario> All =>
    [
        Odd("a byte of the status is read", StatusAt, 1, false, BusStatus.InvalidSize),
        Odd("a byte of the status is written: a reset, were it taken", StatusAt, 1, true, BusStatus.InvalidSize),
        Odd("half the status is read", StatusAt, 2, false, BusStatus.InvalidSize),
        Odd("half the status is written", StatusAt, 2, true, BusStatus.InvalidSize),
        Odd("the status is written with its neighbour", StatusAt, 8, true, BusStatus.InvalidSize),
        Odd("two registers are read at once", 0, 8, false, BusStatus.InvalidSize),
        Odd("three bytes", 0, 3, false, BusStatus.InvalidSize),
        Odd("no byte is read", 0, 0, false, BusStatus.InvalidSize),
        Odd("no byte is written", StatusAt, 0, true, BusStatus.InvalidSize),
        Odd("a register one byte off is read", 1, 4, false, BusStatus.Unaligned),
        Odd("the status two bytes off is written", StatusAt + 2, 4, true, BusStatus.Unaligned),
        Odd("the last register and the configuration at once", 0xFE, 4, false, BusStatus.Unaligned),
        Odd("an offset that the table leaves out is read", 0x18, 4, false, BusStatus.InvalidRegister),
        Odd("an offset that the table leaves out is written", 0x3C, 4, true, BusStatus.InvalidRegister),
        Odd("the legacy register GuestPageSize", 0x28, 4, true, BusStatus.InvalidRegister),
        Odd("the legacy register QueuePFN", 0x40, 4, true, BusStatus.InvalidRegister),
        Odd("a read-only register is written", 0x60, 4, true, BusStatus.InvalidRegister),
        Odd("a write-only register is read", 0x50, 4, false, BusStatus.InvalidRegister),
        Odd("the configuration behind its end is read", ConfigAt + ConfigBytes, 4, false, BusStatus.InvalidRegister),
        Odd("the configuration behind its end is written", ConfigAt + ConfigBytes, 4, true, BusStatus.InvalidRegister),
        Odd("the configuration over its end is read", ConfigAt + ConfigBytes - 4, 8, false, BusStatus.InvalidRegister),
        Odd("the last byte of the window", 0xFFF, 1, false, BusStatus.InvalidRegister),
        Odd("an offset behind the window", 0x1000, 4, false, BusStatus.InvalidRegister),
        Odd("the last offset there is, read", ulong.MaxValue, 1, false, BusStatus.InvalidRegister),
        Odd("the last offset there is, written", ulong.MaxValue - 7, 8, true, BusStatus.InvalidRegister),
        Odd("an offset whose sum with the length wraps", ulong.MaxValue - 3, 8, false, BusStatus.InvalidRegister),
        Odd("the configuration, unaligned", ConfigAt + 2, 4, false, BusStatus.InvalidRegister),
        Odd("three bytes of the configuration", ConfigAt, 3, true, BusStatus.InvalidRegister),
        Odd("16 bytes of the configuration", ConfigAt, 16, false, BusStatus.InvalidRegister),
        Odd("no byte of the configuration", ConfigAt, 0, false, BusStatus.InvalidRegister),
        OnLive("the configuration in bytes, halves, words and at once", a =>
        {
            foreach (var width in Widths)
            {
                a.Access(ConfigAt + 8, width, false, BusStatus.Ok).Access(ConfigAt + 8, width, true, BusStatus.Ok);
            }

            a.StillServes(0);
        }),
        OnLive("the last bytes of the configuration", a =>
            a.Access(ConfigAt + ConfigBytes - 1, 1, true, BusStatus.Ok).Access(ConfigAt + ConfigBytes - 8, 8, false, BusStatus.Ok).StillServes(0)),

        // Interrupts.
        OnLive("an interrupt acknowledged that never came", a => a.Set((InterruptAck, 3)).StillServes(0)),
        OnLive("nothing acknowledged", a => a.Set((InterruptAck, 0)).StillServes(0)),
        OnLive("all bits acknowledged", a =>
        {
            a.Clause.Echo();
            a.Set((InterruptAck, uint.MaxValue)).Shows(InterruptStatus, 0);
            Assert.False(a.Bench.Line.Level);
            a.Clause.Watch();
            a.StillServes(0);
        }),
        OnLive("another bit acknowledged than the one that stands", a =>
        {
            a.Clause.Echo();
            a.Set((InterruptAck, 0xFFFF_FFFE)).Shows(InterruptStatus, 1);
            Assert.True(a.Bench.Line.Level);
            a.Set((InterruptAck, 1));
            a.Clause.Watch();
            a.StillServes(0);
        }),
        OnLive("an interrupt that is never acknowledged", a =>
        {
            var first = a.Clause.Echo();
            var second = a.Clause.Echo();
            a.Ends(Live, 0, Used, [.. first, .. second]);
        }),

        // Shared memory and the configuration's generation.
        OnLive("a shared memory region that is not there", a =>
            a.Set((ShmSel, 0)).Shows(ShmLenLow, uint.MaxValue).Shows(ShmLenHigh, uint.MaxValue).Shows(ShmBaseLow, uint.MaxValue)
                .Shows(ShmBaseHigh, uint.MaxValue).StillServes(0)),
        OnLive("a shared memory region past 8 bits", a => a.Set((ShmSel, 0x103)).Shows(ShmLenLow, uint.MaxValue).StillServes(0)),
        OnLive("the shared memory region that is there", a =>
            a.Set((ShmSel, 3)).Shows(ShmLenLow, 0x1000).Shows(ShmLenHigh, 0).Shows(ShmBaseLow, 0x4000_0000).Shows(ShmBaseHigh, 0).StillServes(0)),
        OnLive("the generation after the driver's own write", a =>
        {
            var before = a.Bench.Read(ConfigGeneration);
            a.Access(ConfigAt, 4, true, BusStatus.Ok).Shows(ConfigGeneration, before).StillServes(0);
        }),
        OnLive("the configuration changes a thousand times unseen", a =>
        {
            var before = a.Bench.Read(ConfigGeneration);
            for (var i = 0; i < 1000; i++)
            {
                a.Clause.Device.Host.ConfigChanged();
            }

            a.Shows(ConfigGeneration, before + 1000).Ends(Live, 0, ConfigChange);
        }),
    ];

    private static HostileScenario OnLive(string name, Action<RegisterAttack> attack) =>
        RegisterAttack.Scenario("registers", name, Level.Live, attack);

    private static HostileScenario Odd(string name, ulong offset, int width, bool isWrite, BusStatus expected) =>
        OnLive(name, a => a.Access(offset, width, isWrite, expected).StillServes(1));
}
