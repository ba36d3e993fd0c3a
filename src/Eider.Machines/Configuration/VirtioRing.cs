using System.Text.Json.Serialization;

namespace Eider.Machines;

/// <summary>Which kind of virtqueue a device offers (virtio 1.3, sections 2.7 and 2.8).</summary>
[JsonConverter(typeof(JsonStringEnumConverter<VirtioRing>))]
public enum VirtioRing
{
    /// <summary>Packed queues are offered; a driver that does not know them takes split ones.</summary>
    [JsonStringEnumMemberName("packed")]
    Packed,

    /// <summary>Only split queues.</summary>
    [JsonStringEnumMemberName("split")]
    Split,
}
