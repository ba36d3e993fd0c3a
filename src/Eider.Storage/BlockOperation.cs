namespace Eider.Storage;

/// <summary>The operations of a storage, for errors, traces and statistics.</summary>
public enum BlockOperation
{
    /// <summary>Opening, or reading what describes the storage.</summary>
    Open,

    /// <summary>Reading data.</summary>
    Read,

    /// <summary>Writing data.</summary>
    Write,

    /// <summary>Making written data durable.</summary>
    Flush,

    /// <summary>Dropping data.</summary>
    Discard,

    /// <summary>Making data zero.</summary>
    WriteZeroes,

    /// <summary>Asking what is allocated.</summary>
    Extents,

    /// <summary>Changing the size.</summary>
    Resize,
}
