namespace Eider.Cli.Provisioning;

/// <summary>One package file that lies in the cache.</summary>
/// <param name="Name">Package name.</param>
/// <param name="Version">Its version.</param>
/// <param name="File">File name below the folder of packages.</param>
/// <param name="SizeBytes">Size in bytes.</param>
/// <param name="Sha256">SHA-256 as the signed list has it, in lower-case hex.</param>
internal sealed record FetchedPackage(string Name, string Version, string File, long SizeBytes, string Sha256);
