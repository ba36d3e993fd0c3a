namespace Eider.Storage.Formats.Qcow2;

/// <summary>Feature bits that a program may ignore (qcow2 specification, "Header", bytes 80 to 87).</summary>
[Flags]
public enum Qcow2CompatibleFeatures : ulong
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>Refcounts may be written later, while the dirty bit is set.</summary>
    LazyRefcounts = 1,
}
