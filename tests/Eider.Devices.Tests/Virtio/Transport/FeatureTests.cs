using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Memory;
using Eider.Testing.Virtio;

namespace Eider.Devices.Tests.Virtio.Transport;

/// <summary>Feature negotiation (virtio 1.3, sections 2.2, 3.1.1 and 6).</summary>
public sealed class FeatureTests
{
    [Fact]
    public void Device_ids_have_the_names_of_the_seed()
    {
        Assert.Equal(
            ["invalid", "network", "block", "console", "socket", "DeviceID(5)"],
            new uint[] { 0, 1, 2, 3, 19, 5 }.Select(id => new VirtioDeviceId(id).ToString()));
        Assert.Equal((0u, 1u, 2u, 3u, 19u), (VirtioDeviceId.Invalid.Value, VirtioDeviceId.Network.Value, VirtioDeviceId.Block.Value, VirtioDeviceId.Console.Value, VirtioDeviceId.Socket.Value));
    }

    [Theory]
    [InlineData("VIRTIO_F_INDIRECT_DESC", 28)]
    [InlineData("VIRTIO_F_EVENT_IDX", 29)]
    [InlineData("VIRTIO_F_VERSION_1", 32)]
    [InlineData("VIRTIO_F_ACCESS_PLATFORM", 33)]
    [InlineData("VIRTIO_F_RING_PACKED", 34)]
    [InlineData("VIRTIO_F_IN_ORDER", 35)]
    [InlineData("VIRTIO_F_ORDER_PLATFORM", 36)]
    [InlineData("VIRTIO_F_SR_IOV", 37)]
    [InlineData("VIRTIO_F_NOTIFICATION_DATA", 38)]
    [InlineData("VIRTIO_F_NOTIF_CONFIG_DATA", 39)]
    [InlineData("VIRTIO_F_RING_RESET", 40)]
    public void All_eleven_bits_of_the_seed_have_number_and_name(string name, int bit)
    {
        Assert.Equal(name, VirtioFeatures.NameOf((VirtioFeature)bit));
        Assert.Equal(1ul << bit, ((VirtioFeature)bit).Mask());
        Assert.True(VirtioFeatures.TryParse(name, out var full) && (int)full == bit);
        Assert.True(VirtioFeatures.TryParse(name["VIRTIO_F_".Length..].ToLowerInvariant().Replace('_', '-'), out var shortened) && (int)shortened == bit);
    }

    [Fact]
    public async Task Spec_6_2_version_1_is_offered_and_sr_iov_never()
    {
        await using var bench = new VirtioTestBench(new EchoDevice { OwnFeatures = 0b1010 });
        var offered = bench.ReadOfferedFeatures();
        Assert.Equal(VirtioFeatures.DefaultOffered | 0b1010, offered);
        Assert.False((VirtioFeatures.Supported | offered).Has(VirtioFeature.SrIov));
        Assert.False((VirtioFeatures.Supported | offered).Has(VirtioFeature.NotifConfigData));
        bench.Write(VirtioMmioRegister.DeviceFeaturesSel, 2);
        Assert.Equal(0u, bench.Read(VirtioMmioRegister.DeviceFeatures));
    }

    [Theory]
    [InlineData(1UL << 37)] // SR_IOV
    [InlineData(1UL << 39)] // NOTIF_CONFIG_DATA
    [InlineData(1UL << 33)] // ACCESS_PLATFORM without a translation
    [InlineData(1UL << 41)]
    public void Bits_that_cannot_be_kept_are_refused_when_the_device_is_made(ulong bits)
    {
        var options = new VirtioTransportOptions { Offered = VirtioFeatures.DefaultOffered | bits };
        Assert.Throws<ArgumentException>(() => options.Validate(new EchoDevice()));
    }

    [Fact]
    public void Contradicting_options_are_refused_when_the_device_is_made()
    {
        Assert.Throws<ArgumentException>(() => new VirtioTransportOptions { Offered = 0 }.Validate(new EchoDevice()));
        Assert.Throws<ArgumentException>(() => new VirtioTransportOptions { Required = 1 << 3 }.Validate(new EchoDevice()));
        Assert.Throws<ArgumentException>(() => new VirtioTransportOptions().Validate(new EchoDevice { OwnFeatures = 1UL << 28 }));
        Assert.Throws<ArgumentException>(() => new VirtioTransportOptions { Offered = FeatureSets.Split }.Validate(new EchoDevice(48)));
        Assert.Throws<ArgumentException>(() => new VirtioTransportOptions().Validate(new EchoDevice(32769)));
        Assert.Throws<ArgumentException>(() => new VirtioTransportOptions().Validate(new EchoDevice { Config = new byte[4096] }));
    }

    [Fact]
    public async Task Spec_2_2_2_features_ok_is_refused_to_anything_but_a_subset()
    {
        await using var bench = new VirtioTestBench(new EchoDevice { OwnFeatures = 0b100 });
        Assert.True(bench.Negotiate(FeatureSets.Split));
        Assert.True(bench.Negotiate(FeatureSets.Split | 0b100));
        Assert.False(bench.Negotiate(FeatureSets.Split | 0b001)); // smaller than what is offered, and no subset
        Assert.False(bench.Negotiate(FeatureSets.Split | (1UL << 63)));
        Assert.False(bench.Negotiate(0b100)); // no VERSION_1
        Assert.Equal(DeviceStatus.Acknowledge | DeviceStatus.Driver, bench.Status);
        Assert.True(bench.Negotiate(FeatureSets.Split));
    }

    [Fact]
    public async Task A_bit_above_63_is_no_subset()
    {
        await using var bench = new VirtioTestBench(new EchoDevice());
        bench.Write(VirtioMmioRegister.Status, 3);
        bench.WriteDriverFeatures(FeatureSets.Split);
        bench.Write(VirtioMmioRegister.DriverFeaturesSel, 2);
        bench.Write(VirtioMmioRegister.DriverFeatures, 1);
        bench.Write(VirtioMmioRegister.Status, 11);
        Assert.False(bench.Status.HasFlag(DeviceStatus.FeaturesOk));
    }

    [Fact]
    public async Task A_rewritten_feature_word_replaces_the_former_one()
    {
        var device = new EchoDevice { OwnFeatures = 0b111 };
        await using var bench = new VirtioTestBench(device);
        bench.Write(VirtioMmioRegister.Status, 3);
        bench.WriteDriverFeatures(FeatureSets.Split | 0b111);
        bench.WriteDriverFeatures(FeatureSets.Split | 0b010);
        bench.Write(VirtioMmioRegister.Status, 11);
        Assert.Equal(FeatureSets.Split | 0b010, device.ReadyFeatures);
    }

    [Fact]
    public async Task A_refused_driver_may_try_again_with_fewer_bits()
    {
        var device = new EchoDevice { OwnFeatures = 0b11, Accepts = features => (features & 0b11) != 0b10 };
        await using var bench = new VirtioTestBench(device);
        Assert.False(bench.Negotiate(FeatureSets.Split | 0b10));
        bench.WriteDriverFeatures(FeatureSets.Split | 0b11);
        bench.Write(VirtioMmioRegister.Status, 11);
        Assert.True(bench.Status.HasFlag(DeviceStatus.FeaturesOk));
        Assert.Equal(["reset", "ready"], device.Calls);
    }

    [Fact]
    public async Task Agreed_features_do_not_change_any_more()
    {
        var device = new EchoDevice { OwnFeatures = 0b11 };
        await using var bench = new VirtioTestBench(device);
        bench.Negotiate(FeatureSets.Split | 0b01);
        bench.WriteDriverFeatures(FeatureSets.Split | 0b10);
        bench.Write(VirtioMmioRegister.Status, 15);
        Assert.Equal(FeatureSets.Split | 0b01, device.Host.NegotiatedFeatures);
        Assert.Single(device.Calls, "ready");
    }

    [Fact]
    public async Task Required_bits_of_hype_are_demanded()
    {
        await using var bench = new VirtioTestBench(new EchoDevice(), new() { Required = VirtioFeatures.HypeRequired });
        foreach (var bit in new[] { VirtioFeature.RingPacked, VirtioFeature.IndirectDesc, VirtioFeature.EventIdx, VirtioFeature.Version1 })
        {
            Assert.False(bench.Negotiate(VirtioFeatures.HypeRequired & ~bit.Mask()));
        }

        Assert.True(bench.Negotiate(VirtioFeatures.HypeRequired));
    }

    [Fact]
    public async Task Each_bit_can_be_switched_off()
    {
        await using var bench = new VirtioTestBench(
            new EchoDevice { OwnFeatures = 0b11 }, new() { Offered = FeatureSets.Split, Withheld = 0b01 });
        Assert.Equal(FeatureSets.Split | 0b10, bench.ReadOfferedFeatures());
    }

    [Theory]
    [MemberData(nameof(FeatureSets.Layouts), MemberType = typeof(FeatureSets))]
    public async Task Access_platform_translates_rings_buffers_and_leases(ulong features)
    {
        var all = features | VirtioFeature.AccessPlatform.Mask();
        var device = new EchoDevice();
        // What the driver calls 4 GiB + x is at x; pages are not contiguous.
        await using var bench = new VirtioTestBench(
            device, new() { Offered = all, DmaTranslation = new Shifted() }, null);
        Assert.True(bench.Negotiate(all));
        var layout = new Devices.Virtio.Queue.VirtQueueSettings
        {
            Size = 8,
            Features = all,
            DescriptorAddress = bench.Allocate(4096),
            DriverAddress = bench.Allocate(4096),
            DeviceAddress = bench.Allocate(4096),
        };
        var ring = RingDriver.Create(bench.Ram, layout);
        bench.Rings[0] = ring;
        bench.EnableQueue(layout with
        {
            DescriptorAddress = layout.DescriptorAddress + Shifted.By,
            DriverAddress = layout.DriverAddress + Shifted.By,
            DeviceAddress = layout.DeviceAddress + Shifted.By,
        });
        bench.Write(VirtioMmioRegister.Status, 15);
        var data = bench.Allocate(8192);
        bench.Ram.TryWrite(data + 4090, "across a page"u8);
        ring.Add([new(data + 4090 + Shifted.By, 13, false), new(data + Shifted.By, 13, true)]);
        bench.Notify();
        Assert.True(ring.TryGetUsed(out var used));
        Assert.Equal(13u, used.WrittenBytes);
        Assert.Equal("bdsptt!b!qbhf"u8, ring.Read(data, 13));

        device.HoldsBack = true;
        ring.Add([new(data + 4090 + Shifted.By, 13, false), new(data + Shifted.By, 13, true)]);
        bench.Notify();
        Assert.True(device.Held[0].TryLeaseReadable(0, 13, out var pieces));
        Assert.Equal(2, pieces.Count); // cut at the page
        Assert.Equal(13, pieces.LengthBytes);
        device.Answer(device.Held[0]);

        ring.Add([new(data, 13, false)]); // not translated: the device may not touch it
        bench.Notify();
        Assert.True(bench.Status.HasFlag(DeviceStatus.NeedsReset));
        Assert.Equal(0, bench.Mmio.Faults);
    }

    private sealed class Shifted : IDmaTranslation
    {
        public const ulong By = 1UL << 32;

        public bool TryTranslate(ulong address, GuestMemoryAccess access, out ulong physicalAddress, out ulong contiguousBytes)
        {
            physicalAddress = unchecked(address - By);
            contiguousBytes = 4096 - (address & 4095);
            return address >= By;
        }
    }
}
