using Eider.Hardware.Memory;
using Eider.RiscV.Csr;
using Eider.RiscV.Execution;

namespace Eider.RiscV.Memory;

/// <summary>
/// Walks page tables (Privileged ISA, "Virtual Address Translation Process") of Sv39, Sv48 and Sv57. Never caches.
/// </summary>
internal sealed unsafe class PageWalker(HartState* state, GuestRam ram, Pmp pmp, CodeCache code)
{
    /// <summary>Translates; on failure the trap is raised.</summary>
    /// <param name="address">Virtual address.</param>
    /// <param name="kind">Kind of access.</param>
    /// <param name="mode">S or U.</param>
    /// <param name="physical">Physical address.</param>
    /// <param name="level">Level of the leaf: 0 maps 4 KiB, 1 maps 2 MiB, 2 maps 1 GiB, and so on.</param>
    public bool TryWalk(ulong address, AccessKind kind, PrivilegeMode mode, out ulong physical, out int level)
    {
        physical = 0;
        var levels = (int)(state->Satp >> 60) - 5; // 8, 9, 10: Sv39, Sv48, Sv57
        level = 0;
        var unusedBits = 64 - (12 + (9 * levels));
        if ((ulong)((long)(address << unusedBits) >> unusedBits) != address)
        {
            return PageFault(address, kind);
        }

        var table = (state->Satp & Pte.PpnMask) << 12;
        for (level = levels - 1; level >= 0; level--)
        {
            var shift = 12 + (9 * level);
            var pteAddress = table + (((address >> shift) & 0x1FF) * 8);
            var host = Locate(pteAddress);
            if (host is null)
            {
                return AccessFault(address, kind);
            }

            var pte = Volatile.Read(ref *host);
            if (IsMalformed(pte))
            {
                return PageFault(address, kind);
            }

            table = ((pte >> Pte.PpnShift) & Pte.PpnMask) << 12;
            if ((pte & (Pte.R | Pte.X)) == 0)
            {
                continue;
            }

            var offsetMask = (1UL << shift) - 1;
            if (!IsAllowed(pte, kind, mode) || (table & offsetMask) != 0)
            {
                return PageFault(address, kind);
            }

            if (!TryMarkUsed(host, pteAddress, pte, kind, address, out var retry))
            {
                return false;
            }

            if (retry)
            {
                return TryWalk(address, kind, mode, out physical, out level);
            }

            physical = table | (address & offsetMask);
            return true;
        }

        return PageFault(address, kind);
    }

    // V = 0, W without R, a reserved bit, or A, D or U in a pointer to the next level.
    private static bool IsMalformed(ulong pte) =>
        (pte & Pte.V) == 0
        || (pte & (Pte.R | Pte.W)) == Pte.W
        || (pte & Pte.Reserved) != 0
        || ((pte & (Pte.R | Pte.X)) == 0 && (pte & (Pte.A | Pte.D | Pte.U)) != 0);

    private bool IsAllowed(ulong pte, AccessKind kind, PrivilegeMode mode)
    {
        if ((pte & Pte.U) != 0
            ? mode == PrivilegeMode.Supervisor && (kind == AccessKind.Fetch || (state->Mstatus & Status.Sum) == 0)
            : mode == PrivilegeMode.User)
        {
            return false;
        }

        return kind switch
        {
            AccessKind.Fetch => (pte & Pte.X) != 0,
            AccessKind.Store => (pte & Pte.W) != 0,
            _ => (pte & Pte.R) != 0 || ((pte & Pte.X) != 0 && (state->Mstatus & Status.Mxr) != 0),
        };
    }

    // Table walks are loads of S-mode.
    private ulong* Locate(ulong pteAddress)
    {
        if (!pmp.Allows(pteAddress, AccessKind.Load, PrivilegeMode.Supervisor))
        {
            return null;
        }

        var region = ram.Find(pteAddress, 8);
        return region is null ? null : (ulong*)(region.Host + (pteAddress - region.Base));
    }

    private bool TryMarkUsed(ulong* host, ulong pteAddress, ulong pte, AccessKind kind, ulong address, out bool retry)
    {
        retry = false;
        var wanted = kind == AccessKind.Store ? Pte.A | Pte.D : Pte.A;
        if ((pte & wanted) == wanted)
        {
            return true;
        }

        if ((state->Menvcfg & EnvironmentConfiguration.Adue) == 0)
        {
            return PageFault(address, kind);
        }

        if (!pmp.Allows(pteAddress, AccessKind.Store, PrivilegeMode.Supervisor))
        {
            return AccessFault(address, kind);
        }

        var region = ram.Find(pteAddress, 8)!;
        if (region.IsReadOnly)
        {
            return AccessFault(address, kind);
        }

        retry = Interlocked.CompareExchange(ref *host, pte | wanted, pte) != pte;
        if (!retry && region.GetFlags((pteAddress - region.Base) >> 12) != PageWatch.None)
        {
            code.StoredToWatchedPage(region, pteAddress, 8);
        }

        return true;
    }

    private bool PageFault(ulong address, AccessKind kind) => Raise(
        kind switch
        {
            AccessKind.Fetch => TrapCause.InstructionPageFault,
            AccessKind.Load => TrapCause.LoadPageFault,
            _ => TrapCause.StorePageFault,
        },
        address);

    private bool AccessFault(ulong address, AccessKind kind) => Raise(
        kind switch
        {
            AccessKind.Fetch => TrapCause.InstructionAccessFault,
            AccessKind.Load => TrapCause.LoadAccessFault,
            _ => TrapCause.StoreAccessFault,
        },
        address);

    private bool Raise(TrapCause cause, ulong value)
    {
        state->TrapCause = cause;
        state->TrapValue = value;
        return false;
    }
}
