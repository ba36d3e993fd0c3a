using System.Runtime.ExceptionServices;
using Eider.Hardware.Memory;
using Eider.Machines.Fdt;

namespace Eider.Machines.Kernels;

/// <summary>A kernel on its way into memory, on a thread of its own, while the board is put together.</summary>
internal sealed class KernelLoading
{
    private readonly Thread? _thread;
    private BootPlan? _plan;
    private ExceptionDispatchInfo? _failure;

    private KernelLoading(BootPlan? plan, Func<BootPlan>? load)
    {
        _plan = plan;
        if (load is not null)
        {
            _thread = new Thread(() => Run(load)) { IsBackground = true, Name = "eider loader" };
            _thread.Start();
        }
    }

    /// <summary>Begins.</summary>
    /// <param name="ram">Where it goes; to stay until <see cref="End"/>.</param>
    /// <param name="board">What the device tree says.</param>
    /// <param name="configuration">Names the files.</param>
    public static KernelLoading Start(GuestRam ram, BoardDescription board, MachineConfiguration configuration) =>
        new(null, () => BootLoader.Load(ram, board, configuration.Kernel, configuration.Firmware, configuration.Initrd, configuration.BootImage));

    /// <summary>Nothing but a device tree, at the start of RAM.</summary>
    /// <param name="ram">Where it goes.</param>
    /// <param name="board">What it says.</param>
    public static KernelLoading WithoutKernel(GuestRam ram, BoardDescription board)
    {
        ram.TryWrite(BoardLayout.RamBase, BoardDeviceTree.Build(board));
        return new(new BootPlan(BoardLayout.RamBase, BootMode.Supervisor, BoardLayout.RamBase, null), null);
    }

    /// <summary>Waits for its end.</summary>
    /// <returns>What lies where.</returns>
    /// <exception cref="MachineConfigurationException">A file is wrong, or the memory does not hold them all.</exception>
    public BootPlan Wait()
    {
        End();
        _failure?.Throw();
        return _plan!;
    }

    /// <summary>Waits until nothing is written any more, however it ends.</summary>
    public void End() => _thread?.Join();

    private void Run(Func<BootPlan> load)
    {
        try
        {
            _plan = load();
        }
        catch (Exception failure)
        {
            _failure = ExceptionDispatchInfo.Capture(failure);
        }
    }
}
