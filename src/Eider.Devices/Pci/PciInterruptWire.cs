using Eider.Hardware.Interrupts;

namespace Eider.Devices.Pci;

/// <summary>One of the four wires of a bus: high while any function on it wants that.</summary>
internal sealed class PciInterruptWire(IInterruptLine line)
{
    private readonly Lock _gate = new();
    private readonly HashSet<PciFunction> _high = [];

    /// <summary>Looks at a function again. Under the lock, so that who comes last sees, and drives, the last level.</summary>
    public void Drive(PciFunction function)
    {
        lock (_gate)
        {
            var was = _high.Count != 0;
            _ = function.IsInterruptAsserted ? _high.Add(function) : _high.Remove(function);
            if (was != (_high.Count != 0))
            {
                line.SetLevel(!was);
            }
        }
    }
}
