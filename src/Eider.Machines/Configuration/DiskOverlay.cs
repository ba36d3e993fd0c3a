using System.Text.Json.Serialization;

namespace Eider.Machines;

/// <summary>Where a disk's writes go.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<DiskOverlay>))]
public enum DiskOverlay
{
    /// <summary>Into the image.</summary>
    [JsonStringEnumMemberName("none")]
    None,

    /// <summary>Into memory, lost when the machine ends; the image is only read.</summary>
    [JsonStringEnumMemberName("mem")]
    Memory,
}
