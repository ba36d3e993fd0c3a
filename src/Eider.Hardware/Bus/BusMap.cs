using Eider.Hardware.Resources;

namespace Eider.Hardware.Bus;

/// <summary>Who answers where, in both spaces: immutable, so that lookups need no lock; swapped whole.</summary>
internal sealed class BusMap(BusSpaceMap pio, BusSpaceMap mmio)
{
    public static BusMap Empty { get; } =
        new(new BusSpaceMap([], ushort.MaxValue), new BusSpaceMap([], ulong.MaxValue));

    public BusSpaceMap Pio { get; } = pio;

    public BusSpaceMap Mmio { get; } = mmio;

    /// <summary>The same map with a device in it.</summary>
    /// <exception cref="BusOverlapException">A range is none, or taken.</exception>
    public BusMap With(IDeviceIo device, IReadOnlyList<Resource> resources)
    {
        var pio = Pio;
        var mmio = Mmio;
        foreach (var resource in resources)
        {
            switch (resource)
            {
                case Resource.MmioAddressRange range:
                    mmio = mmio.With(new BusRange(range.Base.Value, range.Size, device));
                    break;
                case Resource.PioAddressRange range:
                    pio = pio.With(new BusRange(range.Base.Value, range.Size, device));
                    break;
            }
        }

        return new BusMap(pio, mmio);
    }

    /// <summary>The same map without ranges of a device.</summary>
    /// <exception cref="BusOwnershipException">A range is not registered, or by another device.</exception>
    public BusMap Without(IDeviceIo device, IReadOnlyList<Resource> resources)
    {
        var pio = Pio;
        var mmio = Mmio;
        foreach (var resource in resources)
        {
            switch (resource)
            {
                case Resource.MmioAddressRange range:
                    mmio = mmio.Without(range.Base.Value, range.Size, device);
                    break;
                case Resource.PioAddressRange range:
                    pio = pio.Without(range.Base.Value, range.Size, device);
                    break;
            }
        }

        return new BusMap(pio, mmio);
    }

    /// <summary>The same devices at the same places, with nobody inside.</summary>
    public BusMap Copy() => new(Pio.Copy(), Mmio.Copy());

    /// <summary>The ranges of this map that another one has no more.</summary>
    public IEnumerable<BusRange> MissingIn(BusMap next) =>
        Pio.Ranges.Except(next.Pio.Ranges).Concat(Mmio.Ranges.Except(next.Mmio.Ranges));

    /// <summary>True if both have the same ranges, and behind each a device that traps the same resources.</summary>
    public bool IsSameAs(BusMap other) => Pio.IsSameAs(other.Pio) && Mmio.IsSameAs(other.Mmio);
}
