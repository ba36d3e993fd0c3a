namespace Eider.Storage.Formats.Qcow2;

/// <summary>A header extension, kept as it was found.</summary>
/// <param name="Type">What it is; also types that are not known here.</param>
/// <param name="Data">Its bytes, without padding.</param>
public sealed record Qcow2Extension(Qcow2ExtensionType Type, ReadOnlyMemory<byte> Data);
