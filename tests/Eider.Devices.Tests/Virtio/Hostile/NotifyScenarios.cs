using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Transport;
using static Eider.Devices.Tests.Virtio.Clauses.ClauseBench;
using static Eider.Devices.Virtio.Transport.VirtioMmioRegister;

namespace Eider.Devices.Tests.Virtio.Hostile;

/// <summary>Doorbells that are rung too early, too often, or for nobody.</summary>
internal static class NotifyScenarios
{
    private const DeviceStatus Negotiated = (DeviceStatus)0x0B;

    public static IEnumerable<HostileScenario> All =>
    [
        From(Level.Reset, "before anything", a => a.Set((QueueNotify, 0)).Ends(DeviceStatus.None, 1)),
        From(Level.Negotiated, "before DRIVER_OK, no queue", a => a.Set((QueueNotify, 0)).Ends(Negotiated, 1)),
        From(Level.QueueReady, "before DRIVER_OK, with a request in the ring", a =>
        {
            a.Clause.Echo();
            a.Ends(Negotiated, 1);
        }),
        From(Level.QueueReady, "a request of before DRIVER_OK is served after it", a =>
        {
            var writes = a.Clause.Echo();
            a.Set((Status, 15)).Ends(Live, 1, Used, writes);
        }),
        From(Level.Live, "an empty ring", a => a.Set((QueueNotify, 0)).Ends(Live, 0, None, a.Clause.Suppression())),
        From(Level.Live, "a hundred times for one request", a =>
        {
            var writes = a.Clause.Echo();
            a.Set([.. Enumerable.Repeat((QueueNotify, 0u), 100)]).Ends(Live, 0, Used, writes);
        }),
        From(Level.Live, "a queue that is not ready", a => a.Set((QueueNotify, 1)).StillServes(1)),
        From(Level.Live, "a queue that the device left out", a => a.Set((QueueNotify, 2)).StillServes(1)),
        From(Level.Live, "a queue past the last", a => a.Set((QueueNotify, 3)).StillServes(1)),
        From(Level.Live, "the last queue of 16 bits", a => a.Set((QueueNotify, 0xFFFF)).StillServes(1)),
        From(Level.Live, "a queue above 16 bits whose low half is good", a => a.Set((QueueNotify, 0x1_0000)).StillServes(1)),
        From(Level.Live, "the last queue of 32 bits", a => a.Set((QueueNotify, uint.MaxValue)).StillServes(1)),
        From(Level.Live, "the sign bit", a => a.Set((QueueNotify, 0x8000_0000)).StillServes(1)),
        Data("a position that the ring does not have", a =>
        {
            var writes = a.Clause.Echo();
            a.Set((QueueNotify, 0xFFFF_0000)).Ends(Live, 0, Used, writes);
        }),
        Data("a queue past the last, with a good position", a => a.Set((QueueNotify, 0x0001_0003)).StillServes(1)),
        From(Level.Live, "after a reset", a => a.Set((Status, 0), (QueueNotify, 0)).Ends(DeviceStatus.None, 1)),
        From(Level.Live, "after the features were negotiated anew", a =>
        {
            Assert.True(a.Bench.Negotiate(a.Features));
            a.Set((QueueNotify, 0)).Ends(Negotiated, 1);
        }),
        From(Level.Live, "not at all", a =>
        {
            a.Clause.Ring.Add(a.Clause.Buffers());
            a.Ends(Live, 0);
        }),
        From(Level.Live, "not at all, until the device wakes for another reason", a =>
        {
            var buffers = a.Clause.Buffers();
            var used = a.Clause.NextUsed();
            a.Clause.Ring.Add(buffers);
            a.Clause.Device.Host.Wake(0);
            a.Ends(Live, 0, Used, [.. used, a.Clause.Suppression(), (buffers[1].Address, 4)]);
        }),
    ];

    private static HostileScenario From(Level level, string name, Action<RegisterAttack> attack) =>
        RegisterAttack.Scenario("notify", name, level, attack, on: Rings.Both);

    private static HostileScenario Data(string name, Action<RegisterAttack> attack) =>
        RegisterAttack.Scenario("notify", name, Level.Live, attack, VirtioFeature.NotificationData.Mask(), Rings.Both);
}
