namespace Eider.Devices.Virtio.Entropy;

/// <summary>How much randomness a guest may draw: so many bytes a period, and at most as many at once.</summary>
/// <param name="Bytes">Bytes a period; at least 1.</param>
/// <param name="Period">The period; positive.</param>
public readonly record struct EntropyRateLimit(long Bytes, TimeSpan Period);
