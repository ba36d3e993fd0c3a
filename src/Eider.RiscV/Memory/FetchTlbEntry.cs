using System.Runtime.InteropServices;
using Eider.RiscV.Execution;

namespace Eider.RiscV.Memory;

/// <summary>One entry of a fetch TLB: from a virtual page to the decoded blocks of the physical one.</summary>
[StructLayout(LayoutKind.Sequential, Size = 16)]
internal unsafe struct FetchTlbEntry
{
    public ulong Tag;
    public CodePage* Page;
}
