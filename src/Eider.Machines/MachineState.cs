namespace Eider.Machines;

/// <summary>The life of a machine.</summary>
public enum MachineState
{
    /// <summary>Made, not started.</summary>
    Created,

    /// <summary>The harts run, or wait for something to do.</summary>
    Running,

    /// <summary>Ended; disks are flushed.</summary>
    Ended,
}
