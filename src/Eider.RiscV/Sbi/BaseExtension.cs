namespace Eider.RiscV.Sbi;

/// <summary>SBI specification, "Base Extension".</summary>
internal sealed unsafe class BaseExtension(SbiFirmware firmware) : ISbiExtension
{
    private const ulong Version2 = 2UL << 24;

    // No number was assigned to us by the specification's registry; this one is in nobody's use.
    private const ulong ImplementationId = 0xE1DE;
    private const ulong ImplementationVersion = 1;

    /// <inheritdoc/>
    public ulong Id => 0x10;

    /// <inheritdoc/>
    public SbiResult Call(Hart hart, ulong function, ulong* arguments) => function switch
    {
        0 => SbiResult.Ok(Version2),
        1 => SbiResult.Ok(ImplementationId),
        2 => SbiResult.Ok(ImplementationVersion),
        3 => SbiResult.Ok(firmware.Has(arguments[0]) ? 1UL : 0UL),
        4 or 5 or 6 => SbiResult.Ok(), // mvendorid, marchid, mimpid
        _ => SbiError.NotSupported,
    };
}
