using System.Text.Json;
using System.Text.Json.Serialization;

namespace Eider.Machines;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    ReadCommentHandling = JsonCommentHandling.Skip,
    AllowTrailingCommas = true,
    AllowDuplicateProperties = false,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    WriteIndented = true)]
[JsonSerializable(typeof(MachineConfiguration))]
[JsonSerializable(typeof(MachineStatistics))]
internal sealed partial class MachineJsonContext : JsonSerializerContext;
