namespace Eider.Cli.Provisioning;

/// <summary>One file of a built guest.</summary>
/// <param name="Name">File name.</param>
/// <param name="SizeBytes">Size in bytes.</param>
/// <param name="Sha256">SHA-256 in lower-case hex.</param>
internal sealed record GuestFile(string Name, long SizeBytes, string Sha256);
