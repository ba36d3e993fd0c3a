using Eider.Devices.Virtio.Transport;
using static Eider.Devices.Tests.Virtio.Clauses.ClauseBench;
using static Eider.Devices.Virtio.Transport.VirtioMmioRegister;

namespace Eider.Devices.Tests.Virtio.Hostile;

/// <summary>Status bits in any order, and resets at any time.</summary>
internal static class StatusScenarios
{
    private const DeviceStatus Negotiated = (DeviceStatus)0x0B;

    public static IEnumerable<HostileScenario> All =>
    [
        From(Level.Reset, "all steps at once", a => a.Set((Status, 0x0F)).Ends((DeviceStatus)0x43, 2)),
        From(Level.Reset, "DRIVER_OK first", a => a.Set((Status, 4)).Ends(DeviceStatus.None, 1)),
        From(Level.Reset, "FEATURES_OK without DRIVER", a => a.Set((Status, 9)).Ends(DeviceStatus.Acknowledge, 1)),
        From(Level.Reset, "DRIVER without ACKNOWLEDGE", a => a.Set((Status, 2)).Ends(DeviceStatus.Driver, 0)),
        From(Level.Reset, "FAILED first", a => a.Set((Status, 0x80)).Ends(DeviceStatus.Failed, 0)),
        From(Level.Reset, "bits that nobody defined", a => a.Set((Status, 0x30)).Ends(DeviceStatus.None, 0)),
        From(Level.Reset, "DEVICE_NEEDS_RESET, the device's own bit", a => a.Set((Status, 0x40)).Ends(DeviceStatus.None, 0)),
        From(Level.Reset, "bits above the eighth", a => a.Set((Status, 0xFFFF_FF00)).Ends(DeviceStatus.None, 0)),
        From(Level.Reset, "ten resets", a => a.Set([.. Enumerable.Repeat((Status, 0u), 10)]).Ends(DeviceStatus.None, 0)),
        From(Level.Driver, "DRIVER_OK without FEATURES_OK", a => a.Set((Status, 7)).Ends((DeviceStatus)0x43, 1)),
        From(Level.Driver, "FEATURES_OK without a feature", a => a.Set((Status, 11)).Ends(Refused, 1)),
        From(Level.Driver, "FEATURES_OK after it was refused", a =>
        {
            a.Set((Status, 11)).Shows(Status, 3);
            a.Bench.WriteDriverFeatures(a.Features);
            a.Set((Status, 11)).Ends(Negotiated, 1);
        }),
        From(Level.Driver, "FEATURES_OK and DRIVER_OK in one write", a =>
        {
            a.Bench.WriteDriverFeatures(a.Features);
            a.Set((Status, 15)).Ends(Live, 0);
        }),
        From(Level.Driver, "FAILED, then all the rest", a =>
        {
            a.Set((Status, 0x83));
            a.Bench.WriteDriverFeatures(a.Features);
            a.Set((Status, 0x8B), (Status, 0x8F)).Ends((DeviceStatus)0x8F, 0);
        }),
        From(Level.Negotiated, "DRIVER_OK without a queue", a => a.Set((Status, 15)).Ends(Live, 0)),
        From(Level.Negotiated, "FEATURES_OK twice", a => a.Set((Status, 11), (Status, 11)).Ends(Negotiated, 0)),
        From(Level.Negotiated, "FEATURES_OK taken back", a => a.Set((Status, 3)).Ends(Negotiated, 1)),
        From(Level.Live, "DRIVER_OK twice", a => a.Set((Status, 15), (Status, 15)).StillServes(0)),
        From(Level.Live, "DRIVER_OK taken back", a => a.Set((Status, 11)).StillServes(1)),
        From(Level.Live, "all bits taken back but one that nobody defined", a => a.Set((Status, 0x10)).StillServes(1)),
        From(Level.Live, "a reset whose zero is only the low byte", a => a.Set((Status, 0x100)).StillServes(1)),
        From(Level.Live, "FAILED", a => a.Set((Status, 0x8F)).Ends((DeviceStatus)0x8F, 0)),
        From(Level.Live, "FAILED, then a request all the same", a =>
        {
            a.Set((Status, 0x8F));
            a.Ends((DeviceStatus)0x8F, 0, Used, a.Clause.Echo());
        }),
        From(Level.Live, "FAILED taken back", a => a.Set((Status, 0x8F), (Status, 0x0F)).Ends((DeviceStatus)0x8F, 1)),
        From(Level.Live, "a reset, then a request to the ring of before", a =>
        {
            a.Set((Status, 0));
            a.Clause.Echo();
            a.Ends(DeviceStatus.None, 1);
        }),
        From(Level.Live, "a reset while a request is held", a =>
        {
            a.Clause.Echo();
            a.Clause.Watch();
            a.Set((Status, 0));
            a.Clause.Device.Answer(a.Clause.Device.Held[0]);
            a.Ends(DeviceStatus.None, 0);
        }, holds: true),
        From(Level.Live, "a start over without a reset", a =>
        {
            a.Set((Status, 1), (Status, 3));
            a.Bench.WriteDriverFeatures(a.Features);
            a.Set((Status, 11), (Status, 15)).StillServes(5);
        }),
        Broken("a broken device is told DRIVER_OK again", a => a.Set((Status, 15)).Ends(Broken(), 0)),
        Broken("a broken device is told FEATURES_OK again", a => a.Set((Status, 11)).Ends(Broken(), 1)),
        Broken("a broken device is told to take NEEDS_RESET back", a => a.Set((Status, 0x0F)).Ends(Broken(), 0)),
        Broken("a broken device is given a queue", a => a.SetUp(queue: 1).Ends(Broken(), 1)),
        Broken("a broken device gets a request on its other queue", a =>
        {
            a.Set((QueueNotify, 1)).Ends(Broken(), 1);
        }),
        Broken("a broken device is broken once more", a =>
        {
            a.Clause.Ring.Write16(a.Clause.Ring.Layout.DriverAddress + 2, 0x7777);
            a.Set((QueueNotify, 0)).Ends(Broken(), 0);
        }),
    ];

    private static DeviceStatus Broken() => (DeviceStatus)0x4F;

    private static HostileScenario From(Level level, string name, Action<RegisterAttack> attack, bool holds = false) =>
        RegisterAttack.Scenario("status", name, level, attack, holds: holds);

    // A device that wants a reset, since its ring was broken; its interrupt is seen to.
    private static HostileScenario Broken(string name, Action<RegisterAttack> attack) => From(Level.Live, name, a =>
    {
        a.Clause.Ring.Write16(a.Clause.Ring.Layout.DriverAddress + 2, 0x4000);
        a.Bench.Notify();
        a.Shows(Status, 0x4F);
        a.Clause.Watch();
        attack(new RegisterAttack(a.Clause));
    });
}
