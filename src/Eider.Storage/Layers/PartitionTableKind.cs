namespace Eider.Storage.Layers;

/// <summary>The kinds of partition tables.</summary>
public enum PartitionTableKind
{
    /// <summary>Four entries in the first sector, and chains of logical partitions.</summary>
    Mbr,

    /// <summary>The table of UEFI with GUIDs.</summary>
    Gpt,
}
