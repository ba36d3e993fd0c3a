namespace Eider.Devices.Ide;

/// <summary>Interrupt reason of a packet device, in Sector Count (ATA/ATAPI-6).</summary>
[Flags]
internal enum AtapiReason : byte
{
    /// <summary>Data from the host are wanted.</summary>
    None = 0,

    /// <summary>C/D: a command packet is wanted, or the command is over.</summary>
    Command = 0x01,

    /// <summary>I/O: towards the host.</summary>
    ToHost = 0x02,

    /// <summary>REL: the bus was released; never set.</summary>
    Release = 0x04,
}
