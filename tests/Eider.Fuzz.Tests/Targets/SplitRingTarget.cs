namespace Eider.Fuzz.Tests.Targets;

/// <summary>A split virtqueue (virtio 1.3, 2.7).</summary>
public sealed class SplitRingTarget : VirtQueueTarget
{
    /// <inheritdoc/>
    public override string Name => "split-ring";

    /// <inheritdoc/>
    protected override bool IsPacked => false;
}
