namespace Eider.Devices.Clock;

/// <summary>Everything a guest can see of a <see cref="GoldfishRtc"/>, but for the host's time.</summary>
internal struct GoldfishRtcState
{
    /// <summary>Added to the wall clock, in nanoseconds and modulo 2^64: what the guest set the clock to.</summary>
    public ulong OffsetNanoseconds;

    /// <summary>High half of the time, kept by the last read of the low one.</summary>
    public uint LatchedHigh;

    /// <summary>High half of a time to be set, kept until the low one comes.</summary>
    public uint WrittenHigh;

    public ulong AlarmNanoseconds;
    public bool AlarmSet;
    public bool IrqEnabled;
    public bool IrqPending;
}
