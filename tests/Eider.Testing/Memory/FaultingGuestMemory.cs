using Eider.Hardware.Memory;

namespace Eider.Testing.Memory;

/// <summary>
/// Makes chosen accesses fail as if the range were no RAM, so that a test can reach every error path of a device:
/// by place, or the k-th access for each k.
/// </summary>
/// <param name="inner">The memory behind it.</param>
public sealed class FaultingGuestMemory(GuestMemory inner) : GuestMemoryDecorator(inner)
{
    private int _accesses;

    /// <summary>Accesses so far, failed ones too; leases count as one.</summary>
    public int Accesses => Volatile.Read(ref _accesses);

    /// <summary>The access with this number, from 0, fails; none if negative.</summary>
    public int FailAccess { get; set; } = -1;

    /// <summary>Fails every access for which this says so: address, length, direction.</summary>
    public Func<ulong, ulong, GuestMemoryAccess, bool>? ShouldFail { get; set; }

    /// <summary>Accesses that were made to fail.</summary>
    public int Failures { get; private set; }

    /// <inheritdoc/>
    protected override bool MayAccess(ulong address, ulong lengthBytes, GuestMemoryAccess access)
    {
        var number = Interlocked.Increment(ref _accesses) - 1;
        if (number != FailAccess && ShouldFail?.Invoke(address, lengthBytes, access) != true)
        {
            return true;
        }

        Failures++;
        return false;
    }
}
