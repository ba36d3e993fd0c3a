namespace Eider.Devices.Ide;

/// <summary>Why a packet command failed: sense key, additional sense code and its qualifier (SPC-2).</summary>
/// <param name="Key">Sense key.</param>
/// <param name="Code">ASC.</param>
/// <param name="Qualifier">ASCQ.</param>
internal readonly record struct AtapiSense(SenseKey Key, byte Code, byte Qualifier = 0)
{
    /// <summary>Nothing happened.</summary>
    public static AtapiSense None => default;

    /// <summary>Medium not present.</summary>
    public static AtapiSense NoMedium => new(SenseKey.NotReady, 0x3A);

    /// <summary>Medium not present, the tray is open.</summary>
    public static AtapiSense TrayOpen => new(SenseKey.NotReady, 0x3A, 0x02);

    /// <summary>Not ready to ready transition: the medium may have changed.</summary>
    public static AtapiSense MediumChanged => new(SenseKey.UnitAttention, 0x28);

    /// <summary>Unrecovered read error.</summary>
    public static AtapiSense ReadError => new(SenseKey.MediumError, 0x11);

    /// <summary>The host behind the drive is gone.</summary>
    public static AtapiSense HardwareFailure => new(SenseKey.HardwareError, 0x44);

    /// <summary>Invalid command operation code.</summary>
    public static AtapiSense InvalidOpcode => new(SenseKey.IllegalRequest, 0x20);

    /// <summary>Logical block address out of range.</summary>
    public static AtapiSense OutOfRange => new(SenseKey.IllegalRequest, 0x21);

    /// <summary>Invalid field in the packet.</summary>
    public static AtapiSense InvalidField => new(SenseKey.IllegalRequest, 0x24);

    /// <summary>Incompatible medium.</summary>
    public static AtapiSense IncompatibleMedium => new(SenseKey.IllegalRequest, 0x30);

    /// <summary>Saving parameters not supported.</summary>
    public static AtapiSense CannotSave => new(SenseKey.IllegalRequest, 0x39);

    /// <summary>Medium removal prevented.</summary>
    public static AtapiSense RemovalPrevented => new(SenseKey.IllegalRequest, 0x53, 0x02);
}
