namespace Eider.Hardware.Interrupts;

/// <summary>Message-signalled interrupts of a device.</summary>
public sealed class MsiInterruptGroup : InterruptGroup
{
    private readonly IMsiSink _sink;

    internal MsiInterruptGroup(InterruptSourceType type, uint @base, uint count, IMsiSink sink)
        : base(type, @base, count) => _sink = sink;

    private protected override void Signal(uint index, in MsiMessage message) => _sink.Send(Base + index, message);
}
