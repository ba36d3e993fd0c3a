using System.Runtime.InteropServices;

namespace Eider.RiscV.Memory;

/// <summary>
/// One entry of a data TLB. A tag is the virtual address of a page that may be accessed so, or
/// <see cref="Mmu.InvalidTag"/>; both tags of an entry, if valid, name the same page.
/// </summary>
[StructLayout(LayoutKind.Sequential, Size = 32)]
internal struct DataTlbEntry
{
    public ulong LoadTag;
    public ulong StoreTag;

    /// <summary>Host address minus virtual address.</summary>
    public ulong Addend;
}
