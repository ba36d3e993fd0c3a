using Eider.Hardware.Time;

namespace Eider.Devices.Virtio.Entropy;

/// <summary>Configures a virtio entropy device: <c>new EntropyDevice().Build()</c>.</summary>
public sealed record EntropyDevice : IVirtioDeviceConfig
{
    /// <summary>Where randomness comes from; null takes the machine's.</summary>
    public IRandomSource? Source { get; init; }

    /// <summary>How much a guest may draw; null for as much as it likes.</summary>
    public EntropyRateLimit? RateLimit { get; init; }

    /// <summary>Checks the configuration and makes the device.</summary>
    /// <exception cref="ArgumentException">A setting is impossible; the message says which, found and expected.</exception>
    public EntropyHandler Build()
    {
        if (RateLimit is { } limit && (limit.Bytes < 1 || limit.Period <= TimeSpan.Zero))
        {
            throw new ArgumentException(
                $"entropy rate of {limit.Bytes} bytes in {limit.Period}; expected at least 1 byte in a positive time");
        }

        return new EntropyHandler(this);
    }

    /// <inheritdoc/>
    VirtioDevice IVirtioDeviceConfig.Build() => Build();
}
