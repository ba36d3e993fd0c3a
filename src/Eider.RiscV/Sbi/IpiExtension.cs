using Eider.RiscV.Csr;

namespace Eider.RiscV.Sbi;

/// <summary>SBI specification, "IPI Extension".</summary>
internal sealed unsafe class IpiExtension(RiscVEngine engine) : ISbiExtension
{
    /// <inheritdoc/>
    public ulong Id => 0x735049;

    /// <inheritdoc/>
    public SbiResult Call(Hart hart, ulong function, ulong* arguments)
    {
        if (function != 0)
        {
            return SbiError.NotSupported;
        }

        if (!HartMask.TryResolve(arguments[0], arguments[1], engine.CpuCount, out var harts))
        {
            return SbiError.InvalidParameter;
        }

        foreach (var target in engine.AllHarts)
        {
            if ((harts & (1u << target.Id)) != 0)
            {
                target.State->MipLatched |= InterruptBits.Ssip;
                target.LookForInterrupts();
            }
        }

        return SbiResult.Ok();
    }
}
