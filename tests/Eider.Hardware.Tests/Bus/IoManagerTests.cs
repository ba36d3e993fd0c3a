using Eider.Hardware.Bus;
using Eider.Hardware.Resources;

namespace Eider.Hardware.Tests.Bus;

public sealed class IoManagerTests
{
    [Fact]
    public void A_miss_reads_all_ones_and_says_so()
    {
        var data = new byte[4];
        Assert.Equal(BusStatus.NoDevice, new IoManager().MmioRead(0x1000, data).Status);
        Assert.Equal([0xFF, 0xFF, 0xFF, 0xFF], data);
    }

    [Fact]
    public void A_registered_device_gets_base_and_offset_apart()
    {
        var manager = new IoManager();
        manager.Register(new Echo(), new DeviceResources(new Resource.MmioAddressRange(0x1000, 0x100)));
        var data = new byte[4];
        Assert.Equal(BusStatus.Ok, manager.MmioRead(0x1034, data).Status);
        Assert.Equal([0x10, 0x34, 0, 0], data);
    }

    [Fact]
    public void An_overlap_with_another_base_is_refused()
    {
        var manager = new IoManager();
        manager.Register(new Echo(), new DeviceResources(new Resource.MmioAddressRange(0x1000, 0x100)));
        Assert.Throws<BusOverlapException>(
            () => manager.Register(new Echo(), new DeviceResources(new Resource.MmioAddressRange(0x10FF, 1))));
    }

    private sealed class Echo : IDeviceIo
    {
        public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data)
        {
            data[0] = (byte)(rangeBase.Value >> 8);
            data[1] = (byte)offset.Value;
            return BusStatus.Ok;
        }
    }
}
