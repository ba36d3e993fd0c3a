namespace Eider.Machines;

/// <summary>What kind of mistake a <see cref="MachineConfigurationException"/> reports.</summary>
public enum MachineErrorKind
{
    /// <summary>A setting is wrong in itself: out of range, unknown, badly written.</summary>
    BadSetting,

    /// <summary>A file is missing or cannot be read.</summary>
    MissingInput,

    /// <summary>A file is there but is not what it should be.</summary>
    BadInput,

    /// <summary>The memory does not hold what is to be loaded.</summary>
    NotEnoughMemory,

    /// <summary>Two parts of the machine want the same address, interrupt, slot or image.</summary>
    Conflict,

    /// <summary>Another machine or program holds an image.</summary>
    Busy,

    /// <summary>A file that the machine writes cannot be made.</summary>
    CannotCreate,
}
