namespace Eider.Machines.Kernels;

/// <summary>How the harts begin.</summary>
public enum BootMode
{
    /// <summary>A kernel: supervisor mode, the SBI is built in.</summary>
    Supervisor,

    /// <summary>A bare-metal program or a firmware: machine mode.</summary>
    Machine,
}
