namespace Eider.Devices.Tests.Virtio.Hostile;

/// <summary>Runs every scenario of a hostile guest on the rings that it is about.</summary>
public sealed class HostileGuestTests(ITestOutputHelper output)
{
    private static readonly Dictionary<string, HostileScenario> Scenarios = Load();

    public static TheoryData<string> OnSplit => [.. Titles(Rings.Split)];

    public static TheoryData<string> OnPacked => [.. Titles(Rings.Packed)];

    [Theory]
    [MemberData(nameof(OnSplit))]
    public Task Split(string scenario) => Scenarios[scenario].Run(FeatureSets.Split | FeatureSets.Indirect);

    [Theory]
    [MemberData(nameof(OnPacked))]
    public Task Packed(string scenario) => Scenarios[scenario].Run(FeatureSets.Packed | FeatureSets.Indirect);

    [Fact]
    public void There_are_at_least_300_distinct_scenarios_over_all_families()
    {
        foreach (var family in Scenarios.Values.GroupBy(scenario => scenario.Family))
        {
            output.WriteLine($"{family.Key}: {family.Count()} scenarios");
        }

        output.WriteLine($"{Scenarios.Count} scenarios, {Titles(Rings.Split).Count() + Titles(Rings.Packed).Count()} runs");
        Assert.InRange(Scenarios.Count, 300, int.MaxValue);
        Assert.Equal(
            ["block", "console", "control", "entropy", "features", "notify", "packed", "queue setup", "registers", "ring", "split", "status"],
            Scenarios.Values.Select(scenario => scenario.Family).Distinct().Order());
    }

    private static IEnumerable<string> Titles(Rings on) =>
        Scenarios.Values.Where(scenario => scenario.On.HasFlag(on)).Select(scenario => scenario.Title);

    // A name that stands twice is refused here.
    private static Dictionary<string, HostileScenario> Load()
    {
        IEnumerable<HostileScenario>[] tables =
        [
            RingScenarios.All, SplitScenarios.All, PackedScenarios.All, NotifyScenarios.All, StatusScenarios.All, FeatureScenarios.All,
            QueueSetupScenarios.All, RegisterScenarios.All, BlockScenarios.All, ConsoleScenarios.All, ControlScenarios.All, EntropyScenarios.All,
        ];
        return tables.SelectMany(table => table).ToDictionary(scenario => scenario.Title);
    }
}
