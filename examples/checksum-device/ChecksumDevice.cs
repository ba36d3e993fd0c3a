using System.Buffers.Binary;
using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Queue;

namespace Eider.Examples;

/// <summary>
/// A virtio device of an own id: a request's readable bytes go in, their Adler-32 checksum (RFC 1950) comes back
/// in 4 writable bytes. Configuration space: le32 number of answers so far, le32 bytes that a request may have.
/// </summary>
public sealed class ChecksumDevice : VirtioDevice
{
    /// <summary>Feature bit 0: the answer is big-endian.</summary>
    public const int BigEndianFeature = 0;

    private readonly uint _limitBytes;
    private uint _answers;
    private bool _bigEndian;

    private ChecksumDevice(uint limitBytes) => _limitBytes = limitBytes;

    /// <inheritdoc/>
    public override VirtioDeviceId DeviceId => new(1000);

    /// <inheritdoc/>
    public override ulong Features => 1 << BigEndianFeature;

    /// <inheritdoc/>
    public override IReadOnlyList<ushort> QueueSizes => [64];

    /// <inheritdoc/>
    public override int ConfigSizeBytes => 8;

    /// <inheritdoc/>
    public override void Ready(ulong negotiatedFeatures) => _bigEndian = (negotiatedFeatures >> BigEndianFeature & 1) != 0;

    /// <inheritdoc/>
    public override void ProcessQueue(int index, VirtQueue queue)
    {
        while (queue.TryTake(out var request))
        {
            queue.Complete(request, Answer(request) ? 4u : 0u);
        }
    }

    /// <inheritdoc/>
    public override bool ReadConfig(int offset, Span<byte> data)
    {
        Span<byte> config = stackalloc byte[8];
        BinaryPrimitives.WriteUInt32LittleEndian(config, Volatile.Read(ref _answers));
        BinaryPrimitives.WriteUInt32LittleEndian(config[4..], _limitBytes);
        config.Slice(offset, data.Length).CopyTo(data); // the transport checked the range
        return true;
    }

    /// <inheritdoc/>
    public override void Reset() => _answers = 0;

    private bool Answer(DescriptorChain request)
    {
        if (request.ReadableBytes > _limitBytes || request.WritableBytes < 4)
        {
            return false; // used with length 0: the driver asked for too much, or left no room
        }

        var (a, b) = (1u, 0u);
        Span<byte> piece = stackalloc byte[512];
        for (var reader = request.Reader; reader.Read(piece) is > 0 and var count;)
        {
            foreach (var value in piece[..count])
            {
                a = (a + value) % 65521;
                b = (b + a) % 65521;
            }
        }

        var checksum = (b << 16) | a;
        BinaryPrimitives.WriteUInt32LittleEndian(piece, _bigEndian ? BinaryPrimitives.ReverseEndianness(checksum) : checksum);
        Context.ConfigChanged(() => _answers = unchecked(_answers + 1));
        return request.TryWriteAt(0, piece[..4]);
    }

    /// <summary>What the device is made from.</summary>
    public sealed record Config(uint LimitBytes = 1 << 20) : IVirtioDeviceConfig
    {
        /// <inheritdoc/>
        public VirtioDevice Build() => LimitBytes is > 0 and <= 1 << 30
            ? new ChecksumDevice(LimitBytes)
            : throw new ArgumentException($"checksum device: limit of {LimitBytes} bytes, expected 1 to {1 << 30}");
    }
}
