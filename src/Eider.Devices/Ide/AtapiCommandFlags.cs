namespace Eider.Devices.Ide;

/// <summary>What holds for a packet command before it is run.</summary>
[Flags]
internal enum AtapiCommandFlags
{
    /// <summary>There is no such command.</summary>
    None = 0,

    /// <summary>There is.</summary>
    Known = 1,

    /// <summary>CHECK_READY: needs a medium.</summary>
    CheckReady = 2,

    /// <summary>ALLOW_UA: runs although an attention waits to be told.</summary>
    AllowAttention = 4,

    /// <summary>Sends data: a byte count limit of 0 makes no sense then.</summary>
    SendsData = 8,
}
