using Eider.Devices.Virtio.Queue;

namespace Eider.Devices.Virtio.Block;

/// <summary>
/// A virtio block device (virtio 1.3, 5.2, not zoned) over a <see cref="Storage.BlockStorage"/>. Made by
/// <see cref="BlockDevice"/>.
/// </summary>
public sealed class BlockHandler : VirtioDevice
{
    private readonly BlockState _state;
    private readonly BlockQueue?[] _queues;

    internal BlockHandler(BlockDevice settings)
    {
        Settings = settings;
        _state = new BlockState(settings);
        _queues = new BlockQueue?[settings.Queues];
        var sizes = new ushort[settings.Queues];
        Array.Fill(sizes, (ushort)settings.QueueSize);
        QueueSizes = sizes;
    }

    /// <summary>What it was made from.</summary>
    public BlockDevice Settings { get; }

    /// <inheritdoc/>
    public override VirtioDeviceId DeviceId => VirtioDeviceId.Block;

    /// <inheritdoc/>
    public override ulong Features => _state.Features;

    /// <inheritdoc/>
    public override IReadOnlyList<ushort> QueueSizes { get; }

    /// <inheritdoc/>
    public override int ConfigSizeBytes => BlockConfig.Size;

    /// <inheritdoc/>
    public override void Attach(VirtioDeviceContext context)
    {
        base.Attach(context);
        Settings.Storage.SizeChanged += OnSizeChanged;
    }

    /// <inheritdoc/>
    public override void Ready(ulong negotiatedFeatures) => _state.Negotiate(negotiatedFeatures);

    /// <inheritdoc/>
    public override void QueueReady(int index, VirtQueue queue) => _queues[index] = new BlockQueue(_state, queue, Context);

    /// <inheritdoc/>
    public override void ProcessQueue(int index, VirtQueue queue) => _queues[index]?.Process();

    /// <inheritdoc/>
    public override void QueueStopping(int index, VirtQueue queue)
    {
        _queues[index]?.Stop();
        _queues[index] = null;
    }

    /// <inheritdoc/>
    public override bool ReadConfig(int offset, Span<byte> data)
    {
        _state.ReadConfig(offset, data);
        return true;
    }

    /// <inheritdoc/>
    public override bool WriteConfig(int offset, ReadOnlySpan<byte> data) => _state.TryWriteConfig(offset, data);

    /// <inheritdoc/>
    public override void Reset() => _state.Reset();

    /// <inheritdoc/>
    public override void Close() => Settings.Storage.SizeChanged -= OnSizeChanged;

    private void OnSizeChanged(object? sender, EventArgs e) => Context.ConfigChanged(_state.SetCapacity);
}
