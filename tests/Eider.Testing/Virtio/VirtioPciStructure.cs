using Eider.Devices.Virtio.Transport;

namespace Eider.Testing.Virtio;

/// <summary>One vendor-specific capability as a driver reads it (virtio 1.3, section 4.1.4).</summary>
/// <param name="At">Its place in configuration space.</param>
/// <param name="CapLen">cap_len.</param>
/// <param name="Type">cfg_type.</param>
/// <param name="Bar">bar.</param>
/// <param name="Id">id.</param>
/// <param name="Offset">offset.</param>
/// <param name="Length">length.</param>
/// <param name="Extra">The double words after these.</param>
public sealed record VirtioPciStructure(
    int At, int CapLen, VirtioPciCapability Type, byte Bar, byte Id, uint Offset, uint Length, IReadOnlyList<uint> Extra);
