namespace Eider.Storage.Formats.Qcow2;

/// <summary>How clusters are written.</summary>
internal enum WriteWay
{
    /// <summary>Over what is there; no table changes.</summary>
    InPlace,

    /// <summary>Into the host cluster that belongs to the entry, whose table then learns that data are there.</summary>
    Reuse,

    /// <summary>Into a new host cluster.</summary>
    Allocate,
}
