using System.Collections;

namespace Eider.Hardware.Resources;

/// <summary>An ordered list of what was assigned to one device; appending keeps the order.</summary>
public sealed class DeviceResources : IReadOnlyList<Resource>
{
    private readonly List<Resource> _list;

    /// <summary>An empty list, or one with the given entries in their order.</summary>
    public DeviceResources(params IEnumerable<Resource> resources) => _list = [.. resources];

    /// <summary>Nothing assigned.</summary>
    public static DeviceResources Empty => new();

    /// <inheritdoc/>
    public int Count => _list.Count;

    /// <inheritdoc/>
    public Resource this[int index] => _list[index];

    /// <summary>Adds one at the end.</summary>
    public void Append(Resource resource) => _list.Add(resource);

    /// <inheritdoc/>
    public IEnumerator<Resource> GetEnumerator() => _list.GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
