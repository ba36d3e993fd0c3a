namespace Eider.Cli.Provisioning;

/// <summary>What a built guest consists of; kept beside the files as <c>guest.json</c>.</summary>
/// <param name="KernelVersion">The kernel's release, as its modules' folder is called.</param>
/// <param name="Files">Every file: name, size, SHA-256.</param>
internal sealed record GuestManifest(string KernelVersion, IReadOnlyList<GuestFile> Files);
