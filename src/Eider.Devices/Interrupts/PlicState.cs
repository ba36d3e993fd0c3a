using System.Runtime.CompilerServices;

namespace Eider.Devices.Interrupts;

/// <summary>Everything a guest can see of a <see cref="Plic"/>. One bit a source in each set; bit 0 is never set.</summary>
internal struct PlicState
{
    public Priorities Priority;
    public Contexts Context;

    /// <summary>Levels of the wires.</summary>
    public UInt128 Level;

    /// <summary>Requests that the gateways forwarded and nobody claimed yet.</summary>
    public UInt128 Pending;

    /// <summary>Claimed, not completed: the gateway forwards nothing.</summary>
    public UInt128 InService;

    [InlineArray(PlicCore.MaxSources + 1)]
    public struct Priorities
    {
        private byte _first;
    }

    [InlineArray(PlicCore.MaxContexts)]
    public struct Contexts
    {
        private PlicContext _first;
    }
}

/// <summary>What the PLIC keeps for one target.</summary>
internal struct PlicContext
{
    public UInt128 Enabled;
    public byte Threshold;
}
