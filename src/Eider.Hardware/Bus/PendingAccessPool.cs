namespace Eider.Hardware.Bus;

/// <summary>
/// The pending accesses of one device, used again once their answers were taken: a device that answers "pending" all the time
/// allocates nothing. Called with the device's lock held.
/// </summary>
public sealed class PendingAccessPool
{
    // As many as there are harts that may wait at once; what is beyond is made and forgotten.
    private const int MaxKept = 16;

    private readonly List<PendingAccess> _kept = new(MaxKept);

    /// <summary>An access that nobody waits for yet.</summary>
    public PendingAccess Rent()
    {
        foreach (var access in _kept)
        {
            if (access.TryRenew())
            {
                return access;
            }
        }

        var made = new PendingAccess();
        if (_kept.Count < MaxKept)
        {
            _kept.Add(made);
        }

        return made;
    }
}
