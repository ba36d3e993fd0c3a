using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Transport;
using static Eider.Devices.Tests.Virtio.Clauses.ClauseBench;
using static Eider.Devices.Virtio.Transport.VirtioMmioRegister;

namespace Eider.Devices.Tests.Virtio.Hostile;

/// <summary>Features that nobody offered, at times when nobody asked.</summary>
internal static class FeatureScenarios
{
    private const DeviceStatus Negotiated = (DeviceStatus)0x0B;

    public static IEnumerable<HostileScenario> All =>
    [
        RefusedSet("no bit at all", 0),
        RefusedSet("all bits", ulong.MaxValue),
        RefusedSet("everything but VERSION_1", FeatureSets.All & ~FeatureSets.Split),
        RefusedSet("a bit of the device type that is not offered", FeatureSets.Split | 1),
        RefusedSet("SR_IOV", FeatureSets.Split | (1UL << 37)),
        RefusedSet("ACCESS_PLATFORM, which is not offered", FeatureSets.Split | VirtioFeature.AccessPlatform.Mask()),
        RefusedSet("the last bit of 64", FeatureSets.Split | (1UL << 63)),
        RefusedSet("legacy ANY_LAYOUT", FeatureSets.Split | (1UL << 27)),
        From(Level.Driver, "a bit of the third word", a =>
        {
            a.Bench.WriteDriverFeatures(a.Features);
            a.Set((DriverFeaturesSel, 2), (DriverFeatures, 1), (Status, 11)).Ends(Refused, 1);
        }),
        From(Level.Driver, "a bit of the last word there is", a =>
        {
            a.Bench.WriteDriverFeatures(a.Features);
            a.Set((DriverFeaturesSel, uint.MaxValue), (DriverFeatures, 0x8000_0000), (Status, 11)).Ends(Refused, 1);
        }),
        From(Level.Driver, "no bit of the third word", a =>
        {
            a.Bench.WriteDriverFeatures(a.Features);
            a.Set((DriverFeaturesSel, 2), (DriverFeatures, 0), (Status, 11)).Ends(Negotiated, 0);
        }),
        From(Level.Driver, "a word written twice", a =>
        {
            a.Bench.WriteDriverFeatures(ulong.MaxValue);
            a.Bench.WriteDriverFeatures(a.Features);
            a.Set((Status, 11)).Ends(Negotiated, 0);
        }),
        From(Level.Driver, "only the low word", a => a.Set((DriverFeaturesSel, 0), (DriverFeatures, 0), (Status, 11)).Ends(Refused, 1)),
        From(Level.Reset, "features before DRIVER", a =>
        {
            a.Bench.WriteDriverFeatures(a.Features);
            a.Set((Status, 3), (Status, 11)).Ends(Refused, 3); // both words were dropped
        }),
        From(Level.Negotiated, "features after FEATURES_OK", a =>
        {
            a.Bench.WriteDriverFeatures(0);
            Assert.Equal(a.Features, a.Bench.Mmio.NegotiatedFeatures);
            a.Ends(Negotiated, 2);
        }),
        From(Level.Negotiated, "bits of the third word after FEATURES_OK", a =>
            a.Set((DriverFeaturesSel, 2), (DriverFeatures, 1), (Status, 11)).Ends(Negotiated, 1)),
        From(Level.Live, "another ring format while the ring runs", a =>
        {
            a.Bench.WriteDriverFeatures(a.Features ^ VirtioFeature.RingPacked.Mask());
            a.StillServes(2);
        }),
        From(Level.Reset, "offered words past the second", a =>
            a.Set((DeviceFeaturesSel, 2)).Shows(DeviceFeatures, 0).Set((DeviceFeaturesSel, uint.MaxValue)).Shows(DeviceFeatures, 0).Ends(DeviceStatus.None, 0)),
        From(Level.Driver, "features written while the offered word is another", a =>
        {
            a.Set((DeviceFeaturesSel, 7));
            a.Bench.WriteDriverFeatures(a.Features);
            a.Set((Status, 11)).Ends(Negotiated, 0);
        }),
        From(Level.Live, "a selector that outlives a reset", a =>
        {
            a.Set((DeviceFeaturesSel, 1), (Status, 0));
            a.Shows(DeviceFeatures, (uint)(FeatureSets.All & uint.MaxValue)).Ends(DeviceStatus.None, 0);
        }),
    ];

    private static HostileScenario From(Level level, string name, Action<RegisterAttack> attack) =>
        RegisterAttack.Scenario("features", name, level, attack);

    private static HostileScenario RefusedSet(string name, ulong features) => From(Level.Driver, name, a =>
    {
        a.Bench.WriteDriverFeatures(features);
        a.Set((Status, 11)).Ends(Refused, 1);
    });
}
