namespace Eider.Storage.Formats.Qcow2.Checking;

/// <summary>What a check mends.</summary>
public enum Qcow2Repair
{
    /// <summary>Nothing; nothing is written.</summary>
    None,

    /// <summary>Leaks only.</summary>
    Leaks,

    /// <summary>All that can be mended without losing data.</summary>
    All,
}
