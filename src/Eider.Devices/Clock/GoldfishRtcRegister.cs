namespace Eider.Devices.Clock;

/// <summary>
/// Registers of the goldfish RTC by offset, 32 bits each (Android "goldfish" virtual hardware guide, section
/// "Goldfish real-time clock").
/// </summary>
public enum GoldfishRtcRegister : uint
{
    /// <summary>TIME_LOW: low half of the time in nanoseconds since 1970; reading keeps the high half for the next register.</summary>
    TimeLow = 0x00,

    /// <summary>TIME_HIGH: high half of the time as it was when the low one was read.</summary>
    TimeHigh = 0x04,

    /// <summary>ALARM_LOW: low half of the alarm; writing it sets the alarm.</summary>
    AlarmLow = 0x08,

    /// <summary>ALARM_HIGH: high half of the alarm; written first.</summary>
    AlarmHigh = 0x0C,

    /// <summary>IRQ_ENABLED: bit 0 lets the alarm interrupt.</summary>
    IrqEnabled = 0x10,

    /// <summary>CLEAR_ALARM: any write takes the alarm back.</summary>
    ClearAlarm = 0x14,

    /// <summary>ALARM_STATUS: 1 while an alarm is set.</summary>
    AlarmStatus = 0x18,

    /// <summary>CLEAR_INTERRUPT: any write ends the interrupt.</summary>
    ClearInterrupt = 0x1C,
}
