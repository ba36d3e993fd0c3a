namespace Eider.Fuzz.Tests.Targets;

/// <summary>A packed virtqueue (virtio 1.3, 2.8).</summary>
public sealed class PackedRingTarget : VirtQueueTarget
{
    /// <inheritdoc/>
    public override string Name => "packed-ring";

    /// <inheritdoc/>
    protected override bool IsPacked => true;
}
