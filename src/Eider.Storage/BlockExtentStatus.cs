namespace Eider.Storage;

/// <summary>What is known of a run of bytes without reading it.</summary>
[Flags]
public enum BlockExtentStatus
{
    /// <summary>Data, and allocated here.</summary>
    Data = 0,

    /// <summary>Not allocated: takes no space in this storage (a hole).</summary>
    Hole = 1,

    /// <summary>Reads as zeroes.</summary>
    Zero = 2,
}
