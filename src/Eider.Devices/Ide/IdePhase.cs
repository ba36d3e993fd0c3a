namespace Eider.Devices.Ide;

/// <summary>What a device is doing; Status shows it as BSY and DRQ.</summary>
internal enum IdePhase
{
    /// <summary>Nothing; a command may come.</summary>
    Idle,

    /// <summary>DRQ: the host reads the data port.</summary>
    DataIn,

    /// <summary>DRQ: the host writes the data port.</summary>
    DataOut,

    /// <summary>BSY: the storage works.</summary>
    Storage,

    /// <summary>DRQ: waits until the bus master is started.</summary>
    DmaWaiting,

    /// <summary>BSY: the bus master or the storage moves data.</summary>
    DmaRunning,

    /// <summary>BSY: given up; waits until the storage has let go of what was under way.</summary>
    Recovering,
}
