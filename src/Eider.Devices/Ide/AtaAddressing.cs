namespace Eider.Devices.Ide;

/// <summary>How the running command addresses sectors.</summary>
internal enum AtaAddressing
{
    /// <summary>Cylinder, head, sector.</summary>
    Chs,

    /// <summary>28-bit block numbers.</summary>
    Lba28,

    /// <summary>48-bit block numbers.</summary>
    Lba48,
}
