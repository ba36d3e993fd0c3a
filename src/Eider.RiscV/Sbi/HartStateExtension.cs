using Eider.Hardware.Memory;

namespace Eider.RiscV.Sbi;

/// <summary>SBI specification, "Hart State Management Extension".</summary>
internal sealed unsafe class HartStateExtension(RiscVEngine engine, GuestRam ram) : ISbiExtension
{
    private const ulong Started = 0;
    private const ulong Stopped = 1;
    private const ulong Suspended = 4;
    private const ulong DefaultRetentiveSuspend = 0;

    /// <inheritdoc/>
    public ulong Id => 0x48534D;

    /// <inheritdoc/>
    public SbiResult Call(Hart hart, ulong function, ulong* arguments) => function switch
    {
        0 => Start(arguments[0], arguments[1], arguments[2]),
        1 => Stop(hart),
        2 => Status(arguments[0]),
        3 => Suspend(hart, (uint)arguments[0]),
        _ => SbiError.NotSupported,
    };

    private SbiResult Start(ulong id, ulong address, ulong opaque)
    {
        if (id >= (ulong)engine.CpuCount)
        {
            return SbiError.InvalidParameter;
        }

        var target = engine.Harts[(int)id];
        if (target.RunState != HartRunState.Stopped)
        {
            return SbiError.AlreadyAvailable;
        }

        if (!ram.Contains(address, 2) || (address & 1) != 0)
        {
            return SbiError.InvalidAddress;
        }

        target.StartSupervisor(address, opaque);
        return SbiResult.Ok();
    }

    private static SbiResult Stop(Hart hart)
    {
        hart.Stop();
        return SbiResult.NoReturn;
    }

    private SbiResult Status(ulong id) => id >= (ulong)engine.CpuCount
        ? SbiError.InvalidParameter
        : SbiResult.Ok(engine.Harts[(int)id].RunState switch
        {
            HartRunState.Stopped => Stopped,
            HartRunState.WaitingForInterrupt => engine.Harts[(int)id].IsSuspended ? Suspended : Started,
            _ => Started,
        });

    // Keeping registers and translations it is a wfi; the other kinds do not exist here.
    private static SbiResult Suspend(Hart hart, uint type)
    {
        if (type != DefaultRetentiveSuspend)
        {
            return type is > 0 and < 0x1000_0000 or > 0x8000_0000 and < 0x9000_0000 ? SbiError.InvalidParameter : SbiError.NotSupported;
        }

        return hart.Suspend() ? SbiResult.Yield : SbiResult.Ok();
    }
}
