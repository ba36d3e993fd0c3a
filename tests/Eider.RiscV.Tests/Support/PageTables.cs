namespace Eider.RiscV.Tests.Support;

/// <summary>Builds page tables of Sv39, Sv48 or Sv57 in a machine's RAM.</summary>
public sealed class PageTables
{
    public const ulong V = 1, R = 2, W = 4, X = 8, U = 16, A = 64, D = 128;

    private readonly TestMachine _machine;
    private readonly int _levels;
    private ulong _next;

    public PageTables(TestMachine machine, int levels = 3, ulong start = TestMachine.RamBase + 0x10_0000)
    {
        _next = start;
        _machine = machine;
        _levels = levels;
        Root = Allocate();
    }

    public ulong Root { get; }

    public ulong Satp => ((ulong)(_levels + 5) << 60) | (Root >> 12);

    /// <summary>Maps one page of a level (0: 4 KiB, 1: 2 MiB, 2: 1 GiB); returns the address of the leaf.</summary>
    public ulong Map(ulong address, ulong physical, ulong flags, int level = 0)
    {
        var table = Root;
        for (var at = _levels - 1; at > level; at--)
        {
            var entry = table + (((address >> (12 + (9 * at))) & 0x1FF) * 8);
            if ((_machine.Read64(entry) & V) == 0)
            {
                _machine.Write64(entry, ((Allocate() >> 12) << 10) | V);
            }

            table = (_machine.Read64(entry) >> 10) << 12;
        }

        var leaf = table + (((address >> (12 + (9 * level))) & 0x1FF) * 8);
        _machine.Write64(leaf, ((physical >> 12) << 10) | flags);
        return leaf;
    }

    private ulong Allocate()
    {
        _next += 0x1000;
        return _next - 0x1000;
    }
}
