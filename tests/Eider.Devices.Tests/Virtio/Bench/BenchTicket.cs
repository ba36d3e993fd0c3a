using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Bench;

/// <summary>A chain that the bench's driver made available, and what became of it.</summary>
internal sealed class BenchTicket(DriverBuffer[] buffers)
{
    public DriverBuffer[] Buffers { get; } = buffers;

    /// <summary>Null until used; then the length that the device reported.</summary>
    public uint? UsedBytes { get; set; }

    public bool IsUsed => UsedBytes is not null;
}
