namespace Eider.Storage.Formats.Qcow2.Checking;

/// <summary>How bad a finding is.</summary>
public enum Qcow2FindingKind
{
    /// <summary>Space that nothing refers to; no data are in danger.</summary>
    Leak,

    /// <summary>Tables that contradict each other; a write could destroy data.</summary>
    Corruption,
}
