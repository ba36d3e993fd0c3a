namespace Eider.Cli.Provisioning;

/// <summary>One entry of a package's data archive.</summary>
/// <param name="Path">Where it goes, without a leading slash.</param>
/// <param name="LengthBytes">Size in bytes.</param>
/// <param name="Content">The content, if it is a regular file; valid during the visit only.</param>
internal readonly record struct DebEntry(string Path, long LengthBytes, Stream? Content);
