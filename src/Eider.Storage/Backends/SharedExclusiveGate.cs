namespace Eider.Storage.Backends;

/// <summary>Lets in many sharers or one alone. A waiting loner goes before later sharers, so none starves it.</summary>
internal sealed class SharedExclusiveGate
{
    private readonly object _gate = new();
    private int _sharers;
    private int _waitingLoners;
    private bool _alone;

    public void EnterShared()
    {
        lock (_gate)
        {
            while (_alone || _waitingLoners > 0)
            {
                Monitor.Wait(_gate);
            }

            _sharers++;
        }
    }

    public void ExitShared()
    {
        lock (_gate)
        {
            if (--_sharers == 0)
            {
                Monitor.PulseAll(_gate);
            }
        }
    }

    public void EnterAlone()
    {
        lock (_gate)
        {
            _waitingLoners++;
            while (_alone || _sharers > 0)
            {
                Monitor.Wait(_gate);
            }

            _waitingLoners--;
            _alone = true;
        }
    }

    public void ExitAlone()
    {
        lock (_gate)
        {
            _alone = false;
            Monitor.PulseAll(_gate);
        }
    }
}
