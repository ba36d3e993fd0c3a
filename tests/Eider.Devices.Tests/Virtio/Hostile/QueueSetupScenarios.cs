using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Transport;
using Eider.Testing.Virtio;
using static Eider.Devices.Tests.Virtio.Clauses.ClauseBench;
using static Eider.Devices.Virtio.Transport.VirtioMmioRegister;

namespace Eider.Devices.Tests.Virtio.Hostile;

/// <summary>Queues of impossible sizes at impossible places, and queue registers written at the wrong time.</summary>
internal static class QueueSetupScenarios
{
    private const ulong Ram = VirtioTestBench.RamBase, RamEnd = Ram + VirtioTestBench.RamBytes;
    private const DeviceStatus Negotiated = (DeviceStatus)0x0B;
    private const DeviceStatus Unusable = (DeviceStatus)0x4B;
    private const uint ConfigChange = Clauses.ClauseBench.Config;

    public static IEnumerable<HostileScenario> All =>
    [
        // Sizes.
        Refused("size 0", a => a.SetUp(size: 0)),
        Refused("size 3 of a split queue", a => a.SetUp(size: 3)),
        Refused("size 7 of a split queue", a => a.SetUp(size: 7)),
        Refused("one more than the device has", a => a.SetUp(size: 9), Rings.Both),
        Refused("twice what the device has", a => a.SetUp(size: 16), Rings.Both),
        Refused("size 65536", a => a.SetUp(size: 65536), Rings.Both),
        Refused("size 2^31", a => a.SetUp(size: 1u << 31), Rings.Both),
        Refused("size 2^31 and 8", a => a.SetUp(size: (1u << 31) | 8), Rings.Both),
        Refused("size of all ones", a => a.SetUp(size: uint.MaxValue), Rings.Both),
        Refused("a size of 16 bits and more, whose low half is good", a => a.SetUp(size: 0x1_0008), Rings.Both),
        Granted("size 1", a => a.SetUp(size: 1), Rings.Both),
        Granted("size 7 of a packed queue", a => a.SetUp(size: 7), Rings.Packed),

        // Places.
        Refused("no place was ever written", a => a.Set((QueueReady, 1)), Rings.Both),
        Refused("descriptors 8 bytes off", a => a.SetUp(descriptors: Ram + 8), Rings.Both),
        Refused("descriptors one byte off", a => a.SetUp(descriptors: Ram + 1), Rings.Both),
        Refused("the driver area one byte off", a => a.SetUp(driver: Ram + 0x1001), Rings.Both),
        Refused("the driver area 2 bytes off, packed", a => a.SetUp(driver: Ram + 0x1002), Rings.Packed),
        Granted("the driver area 2 bytes off, split", a => a.SetUp(driver: Ram + 0x1002), Rings.Split),
        Refused("the device area 2 bytes off", a => a.SetUp(device: Ram + 0x2002), Rings.Both),
        Refused("the device area one byte off", a => a.SetUp(device: Ram + 0x2001), Rings.Both),
        Refused("descriptors at 0", a => a.SetUp(descriptors: 0), Rings.Both),
        Refused("descriptors that begin before RAM", a => a.SetUp(descriptors: Ram - 16), Rings.Both),
        Refused("descriptors that end behind RAM", a => a.SetUp(descriptors: RamEnd - 112), Rings.Both),
        Refused("a driver area that ends behind RAM", a => a.SetUp(driver: RamEnd - 20), Rings.Split),
        Refused("a device area that ends behind RAM", a => a.SetUp(device: RamEnd - 68), Rings.Split),
        Refused("a driver area where RAM ends", a => a.SetUp(driver: RamEnd), Rings.Both),
        Refused("a device area where RAM ends", a => a.SetUp(device: RamEnd), Rings.Both),
        Refused("descriptors at the last addresses", a => a.SetUp(descriptors: ulong.MaxValue - 15), Rings.Both),
        Refused("a driver area whose end wraps to 0", a => a.SetUp(driver: ulong.MaxValue - 3), Rings.Both),
        Refused("a device area whose end wraps to 0", a => a.SetUp(device: ulong.MaxValue - 3), Rings.Both),
        Refused("the high half of an address is all ones", a => a.SetUp(descriptors: Ram | 0xFFFF_FFFF_0000_0000), Rings.Both),
        Refused("descriptors in the device's own registers", a => a.SetUp(descriptors: 0xD000_0000), Rings.Both),
        Refused("the device area in the device's own registers", a => a.SetUp(device: 0xD000_0050), Rings.Both),
        Refused("the driver area in the interrupt controller", a => a.SetUp(driver: 0x0C00_0000), Rings.Both),
        Granted("descriptors that end with RAM", a => a.SetUp(descriptors: RamEnd - 128), Rings.Both),
        Granted("all three parts in one place", a => a.SetUp(descriptors: Ram, driver: Ram, device: Ram), Rings.Both),
        Granted("two queues in one place", a =>
        {
            a.SetUp(descriptors: Ram, driver: Ram + 0x1000, device: Ram + 0x2000);
            a.SetUp(descriptors: Ram, driver: Ram + 0x1000, device: Ram + 0x2000, queue: 1);
        }, Rings.Both),

        // A queue that is not there.
        Dropped("a queue past the last", Level.Negotiated, 8, a => a.SetUp(queue: 3)),
        Dropped("a queue that the device left out", Level.Negotiated, 8, a => a.SetUp(queue: 2)),
        Dropped("the last queue there is", Level.Negotiated, 8, a => a.SetUp(queue: uint.MaxValue)),
        Dropped("a queue that is not there is read", Level.Negotiated, 0, a =>
            a.Set((QueueSel, 3)).Shows(QueueSizeMax, 0).Shows(QueueReady, 0).Shows(QueueReset, 0)),
        Dropped("a queue that is not there is reset", Level.Negotiated, 1, a => a.Set((QueueSel, 9), (QueueReset, 1))),

        // QueueReady.
        Dropped("QueueReady 2", Level.Negotiated, 1, a => a.SetUp(ready: 2).Shows(QueueReady, 0)),
        Dropped("QueueReady of all ones", Level.Negotiated, 1, a => a.SetUp(ready: uint.MaxValue).Shows(QueueReady, 0)),
        Dropped("QueueReady 0 of a queue that is not ready", Level.Negotiated, 0, a => a.Set((QueueReady, 0))),
        Dropped("QueueReady twice", Level.QueueReady, 1, a => a.Set((QueueReady, 1)).Shows(QueueReady, 1)),
        Of("QueueReady before FEATURES_OK", Level.Driver, a => a.SetUp().Ends(DeviceStatus.Acknowledge | DeviceStatus.Driver, 8)),
        Of("QueueReady before anything", Level.Reset, a => a.SetUp().Ends(DeviceStatus.None, 8)),
        Of("a queue that is made ready while the device is live", Level.Live, a =>
        {
            var device = a.Bench.Allocate(4096);
            a.SetUp(queue: 1, device: device);
            a.Clause.Expect(Live, None, (device + (a.Clause.IsPacked ? 2UL : 0), 2)); // it is looked at
            a.Clause.Watch();
            a.StillServes(0);
        }),
        Of("a second queue that is unusable while the first is live", Level.Live, a =>
            a.SetUp(queue: 1, size: 0).Ends(Broken, 1, ConfigChange)),
        Of("a queue taken back and made ready again", Level.Live, a =>
        {
            var layout = a.Clause.Ring.Layout;
            a.Set((QueueReady, 0)).Shows(QueueReady, 0).Ends(Live, 0);
            Assert.Equal(8, layout.Size);
        }),
        Of("a request to a queue that was taken back", Level.Live, a =>
        {
            a.Set((QueueReady, 0));
            a.Clause.Echo();
            a.Ends(Live, 1);
        }),
        Of("a queue taken back while the device holds its request", Level.Live, a =>
        {
            a.Clause.Echo();
            a.Clause.Watch();
            a.Set((QueueSel, 0), (QueueReady, 0));
            a.Clause.Device.Answer(a.Clause.Device.Held[0]);
            a.Ends(Live, 0);
        }, holds: true),

        // Registers of a queue that is ready.
        Of("the size of a live queue", Level.Live, a => a.Set((QueueSel, 0), (QueueSize, 2)).StillServes(1)),
        Of("the descriptors of a live queue", Level.Live, a => a.Set((QueueSel, 0), (QueueDescLow, 0), (QueueDescHigh, 1)).StillServes(2)),
        Of("the driver area of a live queue", Level.Live, a => a.Set((QueueSel, 0), (QueueDriverLow, 16), (QueueDriverHigh, 0)).StillServes(2)),
        Of("the device area of a live queue", Level.Live, a => a.Set((QueueSel, 0), (QueueDeviceLow, 0xD000_0000), (QueueDeviceHigh, 0)).StillServes(2)),
        Of("another queue is selected while one runs", Level.Live, a => a.Set((QueueSel, 0x1234)).StillServes(0)),
        Of("a queue that is ready but not live is moved", Level.QueueReady, a =>
        {
            a.Set((QueueSel, 0), (QueueSize, 1), (QueueDescLow, 0)).Ends(Negotiated, 2);
        }),

        // QueueReset.
        Of("QueueReset without the feature", Level.Live, a => a.Set((QueueSel, 0), (QueueReset, 1)).StillServes(1)),
        Reset("QueueReset 0", Level.Live, a => a.Set((QueueSel, 0), (QueueReset, 0)).StillServes(1)),
        Reset("QueueReset 2", Level.Live, a => a.Set((QueueSel, 0), (QueueReset, 2)).StillServes(1)),
        Reset("QueueReset of all ones", Level.Live, a => a.Set((QueueSel, 0), (QueueReset, uint.MaxValue)).StillServes(1)),
        Reset("QueueReset of a queue that is not ready", Level.Live, a =>
            a.Set((QueueSel, 1), (QueueSize, 2), (QueueReset, 1)).Shows(QueueReset, 0).StillServes(0)),
        Reset("QueueReset of a queue that is ready but not live", Level.QueueReady, a =>
            a.Set((QueueSel, 0), (QueueReset, 1)).Shows(QueueReady, 0).Shows(QueueReset, 0).Ends(Negotiated, 0)),
        Reset("QueueReset twice", Level.Live, a => a.Set((QueueSel, 0), (QueueReset, 1), (QueueReset, 1)).Ends(Live, 0)),
        Reset("QueueReset, then QueueReady at once", Level.Live, a =>
            a.Set((QueueSel, 0), (QueueReset, 1), (QueueReady, 1)).Ends(Live, 1)),
        Reset("QueueReset, then a request", Level.Live, a =>
        {
            a.Set((QueueSel, 0), (QueueReset, 1));
            a.Bench.Run();
            a.Shows(QueueReset, 0).Shows(QueueReady, 0);
            a.Clause.Echo();
            a.Ends(Live, 1);
        }),
        Reset("QueueReset while the device holds a request", Level.Live, a =>
        {
            a.Clause.Echo();
            a.Clause.Watch();
            a.Clause.Device.Held[0].MarkPending();
            a.Set((QueueSel, 0), (QueueReset, 1));
            a.Bench.Run();
            a.Shows(QueueReset, 1).Set((QueueReady, 1)).Shows(QueueReady, 1);
            a.Clause.Device.Queues[0].PostCompletion(a.Clause.Device.Held[0], 4);
            a.Bench.Run();
            a.Shows(QueueReset, 0).Shows(QueueReady, 0).Ends(Live, 1);
        }, holds: true),
    ];

    private static HostileScenario Of(string name, Level level, Action<RegisterAttack> attack, bool holds = false) =>
        RegisterAttack.Scenario("queue setup", name, level, attack, on: Rings.Both, holds: holds);

    private static HostileScenario Reset(string name, Level level, Action<RegisterAttack> attack, bool holds = false) =>
        RegisterAttack.Scenario("queue setup", name, level, attack, VirtioFeature.RingReset.Mask(), Rings.Both, holds);

    private static HostileScenario Refused(string name, Action<RegisterAttack> attack, Rings on = Rings.Split) =>
        RegisterAttack.Scenario("queue setup", name, Level.Negotiated, a =>
        {
            attack(a);
            a.Shows(QueueReady, 0).Ends(Unusable, 1);
        }, on: on);

    private static HostileScenario Granted(string name, Action<RegisterAttack> attack, Rings on) =>
        RegisterAttack.Scenario("queue setup", name, Level.Negotiated, a =>
        {
            attack(a);
            a.Shows(QueueReady, 1).Ends(Negotiated, 0);
        }, on: on);

    private static HostileScenario Dropped(string name, Level level, int errors, Action<RegisterAttack> attack) =>
        RegisterAttack.Scenario("queue setup", name, level, a =>
        {
            attack(a);
            a.Ends(Negotiated, errors);
        });
}
