namespace Eider.RiscV.Sbi;

/// <summary>SBI specification, "Timer Extension".</summary>
internal sealed unsafe class TimeExtension : ISbiExtension
{
    /// <inheritdoc/>
    public ulong Id => 0x54494D45;

    /// <inheritdoc/>
    public SbiResult Call(Hart hart, ulong function, ulong* arguments)
    {
        if (function != 0)
        {
            return SbiError.NotSupported;
        }

        hart.Csrs.WriteStimecmp(arguments[0]);
        hart.LookForInterrupts();
        return SbiResult.Ok();
    }
}
