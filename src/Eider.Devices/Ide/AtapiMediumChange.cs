namespace Eider.Devices.Ide;

/// <summary>What a host has to be told of a new medium, in two steps: first that the old one is gone, then that one came.</summary>
internal enum AtapiMediumChange
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>First: NOT READY, no medium.</summary>
    TellGone,

    /// <summary>Then: UNIT ATTENTION, the medium may have changed.</summary>
    TellChanged,
}
