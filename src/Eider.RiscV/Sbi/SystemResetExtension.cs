using Eider.Hardware.Lifecycle;

namespace Eider.RiscV.Sbi;

/// <summary>SBI specification, "System Reset Extension".</summary>
internal sealed unsafe class SystemResetExtension(RiscVEngine engine, IPowerSink power) : ISbiExtension
{
    private const uint Shutdown = 0;
    private const uint WarmReboot = 2;
    private const uint SystemFailure = 1;

    /// <inheritdoc/>
    public ulong Id => 0x53525354;

    /// <inheritdoc/>
    public SbiResult Call(Hart hart, ulong function, ulong* arguments)
    {
        if (function != 0)
        {
            return SbiError.NotSupported;
        }

        var type = (uint)arguments[0];
        var reason = (uint)arguments[1];
        if (type > WarmReboot || reason > SystemFailure)
        {
            return SbiError.InvalidParameter;
        }

        power.Request(new PowerRequest(type == Shutdown ? PowerRequestKind.Shutdown : PowerRequestKind.Restart, (int)reason));
        foreach (var each in engine.AllHarts)
        {
            each.Stop();
        }

        return SbiResult.NoReturn;
    }
}
