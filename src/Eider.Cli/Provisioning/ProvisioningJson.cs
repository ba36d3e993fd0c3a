using System.Text.Json.Serialization;

namespace Eider.Cli.Provisioning;

/// <summary>The files of the cache, as JSON.</summary>
[JsonSourceGenerationOptions(
    WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(PackageSet))]
[JsonSerializable(typeof(GuestManifest))]
internal sealed partial class ProvisioningJson : JsonSerializerContext;
