namespace Eider.RiscV.Sbi;

/// <summary>
/// SBI specification, "RFENCE Extension". Harts take turns on one thread, so that a fence has taken effect on
/// every target when the call returns, and two harts never wait for each other.
/// </summary>
internal sealed unsafe class RemoteFenceExtension(RiscVEngine engine) : ISbiExtension
{
    private const ulong MostPages = 64;

    /// <inheritdoc/>
    public ulong Id => 0x52464E43;

    /// <inheritdoc/>
    public SbiResult Call(Hart hart, ulong function, ulong* arguments)
    {
        if (function > 2)
        {
            return SbiError.NotSupported; // the others are of the hypervisor extension
        }

        if (!HartMask.TryResolve(arguments[0], arguments[1], engine.CpuCount, out var harts))
        {
            return SbiError.InvalidParameter;
        }

        foreach (var target in engine.AllHarts)
        {
            if ((harts & (1u << target.Id)) == 0)
            {
                continue;
            }

            // A hart that is not running finds its blocks anew when its turn begins: that is all fence.i needs.
            if (function != 0)
            {
                Fence(target, arguments[2], arguments[3]);
            }
        }

        return SbiResult.Ok();
    }

    private static void Fence(Hart target, ulong start, ulong sizeBytes)
    {
        if ((start == 0 && sizeBytes == 0) || sizeBytes > MostPages << 12 || start + sizeBytes < start)
        {
            target.Mmu.FlushTranslated();
            return;
        }

        // Counted, since the address behind the last page of the address space is 0.
        var pages = ((start & 0xFFF) + sizeBytes + 0xFFF) >> 12;
        for (var page = 0UL; page < pages; page++)
        {
            target.Mmu.FlushPage(start + (page << 12));
        }
    }
}
