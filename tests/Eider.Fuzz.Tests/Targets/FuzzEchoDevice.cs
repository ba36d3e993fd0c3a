using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Queue;

namespace Eider.Fuzz.Tests.Targets;

/// <summary>
/// A device with two queues and a third that is absent, a configuration space and a shared memory region. It answers each request
/// with its readable bytes, and counts.
/// </summary>
internal sealed class FuzzEchoDevice : VirtioDevice
{
    private readonly byte[] _buffer = new byte[256];
    private readonly byte[] _config = new byte[24];

    public override VirtioDeviceId DeviceId => new(42);

    public override ulong Features => 0b1011;

    public override IReadOnlyList<ushort> QueueSizes { get; } = [64, 64, 0];

    public override int ConfigSizeBytes => _config.Length;

    public override IReadOnlyList<VirtioSharedMemory> SharedMemory { get; } = [new VirtioSharedMemory(1, 0x1_0000_0000, 0x1000)];

    /// <summary>Requests answered.</summary>
    public int Answered { get; set; }

    /// <summary>Changes the configuration, as a host does.</summary>
    public void Change() => Context.ConfigChanged();

    /// <summary>Refuses features without bit 0 if bit 1 was accepted.</summary>
    public override bool AcceptsFeatures(ulong features) => (features & 0b11) != 0b10;

    public override void ProcessQueue(int index, VirtQueue queue)
    {
        while (queue.TryTake(out var chain))
        {
            var reader = chain.Reader;
            var writer = chain.Writer;
            while (reader.Remaining != 0 && writer.Remaining != 0 && chain.IsLive)
            {
                var count = reader.Read(_buffer.AsSpan(0, (int)Math.Min((ulong)_buffer.Length, writer.Remaining)));
                writer.Write(_buffer.AsSpan(0, count));
            }

            queue.Complete(chain, (uint)writer.Position);
            Answered++;
        }
    }

    public override bool ReadConfig(int offset, Span<byte> data)
    {
        _config.AsSpan(offset, data.Length).CopyTo(data);
        return true;
    }

    public override bool WriteConfig(int offset, ReadOnlySpan<byte> data)
    {
        data.CopyTo(_config.AsSpan(offset));
        return true;
    }
}
