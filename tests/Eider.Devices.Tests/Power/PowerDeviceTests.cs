using Eider.Devices.Power;
using Eider.Devices.Tests.Interrupts;
using Eider.Hardware.Bus;
using Eider.Hardware.Lifecycle;

namespace Eider.Devices.Tests.Power;

public sealed class PowerDeviceTests : IPowerSink
{
    private readonly List<PowerRequest> _requests = [];
    private readonly PowerDevice _power;

    public PowerDeviceTests() => _power = new PowerDevice(this);

    void IPowerSink.Request(PowerRequest request) => _requests.Add(request);

    [Fact]
    public void Pass_powers_off_with_code_0()
    {
        _power.Write32(0, 0x5555);
        Assert.Equal([new PowerRequest(PowerRequestKind.Shutdown)], _requests);
    }

    [Theory]
    [InlineData(0x0001_3333U, 1)]
    [InlineData(0xFFFF_3333U, 0xFFFF)]
    [InlineData(0x0000_3333U, 0)]
    public void Fail_powers_off_with_the_code_of_the_high_half(uint value, int code)
    {
        _power.Write32(0, value);
        Assert.Equal([new PowerRequest(PowerRequestKind.Shutdown, code)], _requests);
    }

    [Fact]
    public void Reset_restarts()
    {
        _power.Write(0, 0x7777, 2);
        Assert.Equal([new PowerRequest(PowerRequestKind.Restart)], _requests);
    }

    // regmap_update_bits of syscon-poweroff reads first and writes only a value that differs.
    [Fact]
    public void It_reads_0_so_that_a_syscon_writes()
    {
        Assert.Equal(0U, _power.Read32(0));
    }

    [Fact]
    public void Anything_else_does_nothing()
    {
        var data = new byte[8];
        _power.Write32(0, 0);
        _power.Write32(0, 0x5556);
        Assert.Equal(BusStatus.InvalidRegister, _power.Write(0UL, 4UL, data.AsSpan(0, 4)).Status);
        Assert.Equal(BusStatus.InvalidSize, _power.Write(0UL, 0UL, data).Status);
        Assert.Empty(_requests);
    }
}
