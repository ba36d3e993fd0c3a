namespace Eider.Devices.Ide;

/// <summary>Error (ATA/ATAPI-6), as a disk means it; a packet device has the sense key in bits 7 to 4.</summary>
[Flags]
internal enum IdeError : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Diagnostic code "device passed" after a reset and after EXECUTE DEVICE DIAGNOSTIC; AMNF else, which is obsolete and never set.</summary>
    DiagnosticPassed = 0x01,

    /// <summary>NM: no medium, TK0: no track 0; never set by a disk.</summary>
    NoMedium = 0x02,

    /// <summary>ABRT: not supported, or not now.</summary>
    Aborted = 0x04,

    /// <summary>MCR; never set.</summary>
    MediaChangeRequested = 0x08,

    /// <summary>IDNF: no such address, or it cannot be written.</summary>
    IdNotFound = 0x10,

    /// <summary>MC; never set by a disk.</summary>
    MediaChanged = 0x20,

    /// <summary>UNC: the data cannot be read.</summary>
    Uncorrectable = 0x40,

    /// <summary>ICRC: bad on the cable; never set.</summary>
    InterfaceCrc = 0x80,
}
