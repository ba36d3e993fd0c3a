using Eider.Hardware.Resources;

namespace Eider.Hardware.Bus;

/// <summary>
/// A change of the bus that is prepared step by step and takes effect at once: see
/// <see cref="IoManager.BeginTransaction"/>. Used by one thread; disposing of an open one cancels it.
/// </summary>
public sealed class IoTransaction : IDisposable
{
    private readonly IoManager _manager;
    private readonly List<Func<BusMap, BusMap>> _steps = [];
    private BusMap _start;
    private BusMap _working;
    private bool _isOpen = true;

    internal IoTransaction(IoManager manager, BusMap start)
    {
        _manager = manager;
        _start = _working = start;
    }

    /// <summary>As <see cref="IoManager.Register"/>, seen by nobody before the commit.</summary>
    /// <exception cref="BusOverlapException">A range is empty, wraps around or overlaps; the step is left out then.</exception>
    /// <exception cref="InvalidOperationException">The transaction was committed or cancelled.</exception>
    public void Register(IDeviceIo device, DeviceResources resources)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(resources);
        Resource[] taken = [.. resources];
        Add(map => map.With(device, taken));
    }

    /// <summary>As <see cref="IoManager.Unregister"/>, seen by nobody before the commit.</summary>
    /// <exception cref="BusOwnershipException">A range is not registered, or by another device; the step is left out then.</exception>
    /// <exception cref="InvalidOperationException">The transaction was committed or cancelled.</exception>
    public void Unregister(IDeviceIo device, DeviceResources resources)
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(resources);
        Resource[] taken = [.. resources];
        Add(map => map.Without(device, taken));
    }

    /// <summary>Makes all steps take effect at once.</summary>
    /// <returns>Completes when the last call has left the ranges that went; see <see cref="IoManager"/> for who waits.</returns>
    /// <exception cref="BusOverlapException">
    /// Another device was registered meanwhile where this one wants to; nothing changed, the transaction is still open.
    /// </exception>
    /// <exception cref="BusOwnershipException">As above, for a range that meanwhile went.</exception>
    /// <exception cref="InvalidOperationException">The transaction was committed or cancelled.</exception>
    public Task Commit()
    {
        ThrowIfClosed();
        var left = _manager.Commit(this);
        _isOpen = false;
        return left;
    }

    /// <summary>As <see cref="Commit"/>, but the caller never waits, wherever it is: for those who hold a lock of their own.</summary>
    /// <returns>Completes when the last call has left the ranges that went.</returns>
    /// <exception cref="BusOverlapException">As above; nothing changed, the transaction is still open.</exception>
    /// <exception cref="BusOwnershipException">As above, for a range that meanwhile went.</exception>
    /// <exception cref="InvalidOperationException">The transaction was committed or cancelled.</exception>
    public Task CommitAsync()
    {
        ThrowIfClosed();
        var left = _manager.CommitAsync(this);
        _isOpen = false;
        return left;
    }

    /// <summary>Forgets all steps.</summary>
    /// <exception cref="InvalidOperationException">The transaction was committed or cancelled.</exception>
    public void Cancel()
    {
        ThrowIfClosed();
        Dispose();
    }

    /// <summary>Cancels what was not committed.</summary>
    public void Dispose()
    {
        if (_isOpen)
        {
            _isOpen = false;
            _manager.Cancel();
        }
    }

    /// <summary>The map after all steps, starting from the one in use now.</summary>
    internal BusMap Rebase(BusMap current)
    {
        if (!ReferenceEquals(current, _start))
        {
            _working = _steps.Aggregate(current, (map, step) => step(map));
            _start = current;
        }

        return _working;
    }

    private void Add(Func<BusMap, BusMap> step)
    {
        ThrowIfClosed();
        _working = step(_working);
        _steps.Add(step);
    }

    private void ThrowIfClosed()
    {
        if (!_isOpen)
        {
            throw new InvalidOperationException("the bus transaction was committed or cancelled already");
        }
    }
}
