namespace Eider.Storage.Layers;

/// <summary>What layers that are made from text share: the clock, the groups of throttles. One for each machine or command.</summary>
public sealed class StorageLayerContext
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, ThrottleGroup> _groups = [];

    /// <summary>A context.</summary>
    /// <param name="timeProvider">The clock of throttles, delays, traces and statistics.</param>
    public StorageLayerContext(TimeProvider timeProvider)
    {
        ArgumentNullException.ThrowIfNull(timeProvider);
        TimeProvider = timeProvider;
    }

    /// <summary>The clock.</summary>
    public TimeProvider TimeProvider { get; }

    /// <summary>The group of a name, made by the first who asks; null as a name for one of its own.</summary>
    /// <exception cref="FormatException">The group is there with other limits.</exception>
    internal ThrottleGroup Group(string? name, ThrottleLimits limits)
    {
        if (name == null)
        {
            return new ThrottleGroup(limits, TimeProvider);
        }

        lock (_gate)
        {
            if (!_groups.TryGetValue(name, out var group))
            {
                group = new ThrottleGroup(limits, TimeProvider);
                _groups.Add(name, group);
            }

            return group.Limits == limits || limits == new ThrottleLimits()
                ? group
                : throw new FormatException($"group '{name}' has other limits already; give them once, and only group=NAME after that");
        }
    }
}
