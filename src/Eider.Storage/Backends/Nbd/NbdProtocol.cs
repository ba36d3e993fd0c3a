namespace Eider.Storage.Backends.Nbd;

/// <summary>Numbers of the NBD protocol (doc/proto.md of the reference implementation).</summary>
internal static class NbdProtocol
{
    public const ulong Magic = 0x4E42_444D_4147_4943;
    public const ulong OptionMagic = 0x4948_4156_454F_5054;
    public const ulong OptionReplyMagic = 0x0003_E889_0455_65A9;
    public const uint RequestMagic = 0x2560_9513;
    public const uint SimpleReplyMagic = 0x6744_6698;
    public const uint StructuredReplyMagic = 0x668E_33EF;

    public const ushort ServerFixedNewstyle = 1;
    public const ushort ServerNoZeroes = 2;

    public const uint OptionAbort = 2;
    public const uint OptionGo = 7;
    public const uint OptionStructuredReply = 8;
    public const uint OptionSetMetaContext = 10;

    public const uint ReplyAck = 1;
    public const uint ReplyInfo = 3;
    public const uint ReplyMetaContext = 4;
    public const uint ReplyError = 1u << 31;
    public const uint ReplyUnsupported = ReplyError | 1;

    public const ushort InfoExport = 0;
    public const ushort InfoBlockSize = 3;

    public const ushort ExportReadOnly = 1 << 1;
    public const ushort ExportCanFlush = 1 << 2;
    public const ushort ExportCanTrim = 1 << 5;
    public const ushort ExportCanWriteZeroes = 1 << 6;

    public const ushort Read = 0;
    public const ushort Write = 1;
    public const ushort Disconnect = 2;
    public const ushort Flush = 3;
    public const ushort Trim = 4;
    public const ushort WriteZeroes = 6;
    public const ushort BlockStatus = 7;

    public const ushort FlagNoHole = 1 << 1;

    public const ushort ChunkDone = 1;
    public const ushort ChunkNone = 0;
    public const ushort ChunkData = 1;
    public const ushort ChunkHole = 2;
    public const ushort ChunkBlockStatus = 5;
    public const ushort ChunkError = 1 << 15;

    public const uint StatusHole = 1;
    public const uint StatusZero = 2;

    /// <summary>The context that tells what is allocated.</summary>
    public const string AllocationContext = "base:allocation";

    /// <summary>Bytes of a request without its data.</summary>
    public const int RequestBytes = 28;

    /// <summary>The longest read and write that every server takes.</summary>
    public const int MaxPayloadBytes = 32 << 20;

    /// <summary>The longest name of an export.</summary>
    public const int MaxNameBytes = 4096;

    /// <summary>Most bytes of a reply that are no data: descriptors, a message.</summary>
    public const int MaxTextBytes = 1 << 19;

    /// <summary>The kind of failure of an error number.</summary>
    public static BlockErrorKind KindOf(uint number) => number switch
    {
        1 => BlockErrorKind.AccessDenied,
        28 => BlockErrorKind.NoSpace,
        95 => BlockErrorKind.UnsupportedFeature,
        _ => BlockErrorKind.Io,
    };
}
