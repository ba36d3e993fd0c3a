using Eider.Hardware.Lifecycle;
using Eider.Hardware.Memory;

namespace Eider.Devices.Virtio.Transport;

/// <summary>A transport, seen from its device.</summary>
internal sealed class TransportContext(
    VirtioTransport transport, VirtioServices services, DeviceStatistics statistics, IDmaTranslation? translation)
    : VirtioDeviceContext(services, statistics)
{
    private readonly GuestMemory? _translated = translation is null ? null : new TranslatedGuestMemory(services.Memory, translation);

    /// <inheritdoc/>
    public override GuestMemory Memory =>
        _translated is not null && NegotiatedFeatures.Has(VirtioFeature.AccessPlatform) ? _translated : base.Memory;

    /// <inheritdoc/>
    public override ulong NegotiatedFeatures => transport.NegotiatedFeatures;

    /// <inheritdoc/>
    public override void Wake(int queueIndex) => transport.Wake(queueIndex);

    /// <inheritdoc/>
    public override void ConfigChanged(Action? change = null) => transport.ConfigChanged(change);

    /// <inheritdoc/>
    public override void NeedsReset(string reason) => transport.NeedsReset(reason);
}
