using System.Runtime.CompilerServices;

namespace Eider.Devices.Interrupts;

/// <summary>Everything a guest can see of a <see cref="Clint"/>, but for the time.</summary>
internal struct ClintState
{
    public Harts Hart;

    [InlineArray(Clint.MaxHarts)]
    public struct Harts
    {
        private ClintHart _first;
    }
}

/// <summary>The registers of one hart.</summary>
internal struct ClintHart
{
    public bool Msip;
    public ulong Mtimecmp;
}
