using Eider.Devices.Memory;
using Eider.Hardware.Bus;

namespace Eider.Devices.Tests.BlockIo;

public sealed class RomPageTests
{
    [Fact]
    public void It_is_read_in_any_width_and_place_and_never_written()
    {
        IDeviceIo page = new RomPage([1, 2, 3, 4], 0x100);
        var data = new byte[8];
        Assert.Equal(BusStatus.Ok, page.Read(new IoAddress(0), new IoAddress(0xFF), data).Status);
        Assert.Equal([0, 1, 2, 3, 4, 0, 0, 0], data);
        Assert.Equal(BusStatus.InvalidRegister, page.Write(new IoAddress(0), new IoAddress(0x100), data).Status);
        Assert.Equal(BusStatus.Ok, page.Read(new IoAddress(0), new IoAddress(0xFFF), data.AsSpan(0, 1)).Status);
        Assert.Equal(0, data[0]);
    }

    [Fact]
    public void What_does_not_fit_is_refused() => Assert.Throws<ArgumentException>(() => new RomPage(new byte[2], 0xFFF));
}
