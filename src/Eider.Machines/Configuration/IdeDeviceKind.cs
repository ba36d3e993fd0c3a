using System.Text.Json.Serialization;

namespace Eider.Machines;

/// <summary>What stands on an IDE channel.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<IdeDeviceKind>))]
public enum IdeDeviceKind
{
    /// <summary>A disk.</summary>
    [JsonStringEnumMemberName("disk")]
    Disk,

    /// <summary>A drive for CDs and DVDs.</summary>
    [JsonStringEnumMemberName("cdrom")]
    Cdrom,
}
