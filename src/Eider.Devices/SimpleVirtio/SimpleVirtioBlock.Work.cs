using Eider.Devices.Requests;
using Eider.Storage;

namespace Eider.Devices.SimpleVirtio;

/// <content>What the worker does: entry by entry, chunk by chunk, until nothing is left or it is given up.</content>
public sealed partial class SimpleVirtioBlock
{
    private enum Step
    {
        None,
        Fetch,
        Move,
        Flush,
    }

    private void Work()
    {
        for (var steps = 0; !_call.IsActive || _call.IsDone; steps++)
        {
            if (steps == SvirtbLimits.StepsInOneRun)
            {
                _worker.Signal(); // others on this thread have their turn, and the machine may stop
                return;
            }

            if (_call.IsActive)
            {
                EndCall();
            }
            else if (!TryStep())
            {
                return;
            }
        }
    }

    private bool TryStep()
    {
        switch (Decide(out var address))
        {
            case Step.Fetch:
                Begin(address);
                return true;
            case Step.Move:
                Continue();
                return true;
            case Step.Flush:
                // The document has no flush: what was written is made durable when the driver ends with a reset.
                _isFlushing = true;
                _call.Start(_disk.Storage.FlushAsync(_callStop));
                return true;
            default:
                LetGo();
                return false;
        }
    }

    private Step Decide(out ulong entryAddress)
    {
        entryAddress = 0;
        lock (_gate)
        {
            _callStop = _stop.Token;
            if (_isClosed || _isResetting || _core.State.Status != SvirtbStatus.Ready)
            {
                GiveUp();
                return _isResetting && _isDirty && !_isClosed ? Step.Flush : Settle();
            }

            if (_transfer.IsActive)
            {
                return Step.Move;
            }

            if (!_core.HasEntry)
            {
                return Settle();
            }

            entryAddress = _core.EntryAddress;
            return Step.Fetch;
        }
    }

    private void GiveUp()
    {
        if (_transfer.IsActive)
        {
            _transfer.End(failed: true);
        }
    }

    // Under the lock: nothing is in flight and nothing is to be done.
    private Step Settle()
    {
        if (_isResetting)
        {
            _isResetting = false;
            _core.Reset();
        }

        _isRunning = false;
        (_waiting, _leaving) = (_leaving, _waiting);
        _leavingEnd = _closing;
        return Step.None;
    }

    // Without the lock: a hart may ring again at once, on this thread or another.
    private void LetGo()
    {
        foreach (var access in _leaving)
        {
            access.Complete();
        }

        _leaving.Clear();
        _leavingEnd?.TrySetResult(); // not one that came since: harts that rang before it still wait
    }

    private void Begin(ulong address)
    {
        if (!_transfer.TryBegin(address))
        {
            Fail();
        }
        else if (_transfer.IsWhole)
        {
            EndEntry();
        }
    }

    private void Continue()
    {
        if (!_transfer.TryStartChunk(_call, _callStop))
        {
            _transfer.End(failed: true);
            Fail();
        }
    }

    private void EndCall()
    {
        var isFlush = _isFlushing;
        _isFlushing = false;
        var isDone = TryTake(isFlush, out var result);
        if (isFlush)
        {
            lock (_gate)
            {
                _isDirty = false; // also after a failure: the storage remembers it, and the host was told
            }

            return;
        }

        if (_transfer.IsWrite)
        {
            lock (_gate)
            {
                _isDirty = true;
            }
        }

        if (_callStop.IsCancellationRequested)
        {
            return; // given up: what was read does not reach the guest any more
        }

        if (!isDone || !_transfer.TryEndChunk(result))
        {
            _transfer.End(failed: true);
            Fail();
        }
        else if (_transfer.IsWhole)
        {
            EndEntry();
        }
    }

    private bool TryTake(bool isFlush, out BlockResult result)
    {
        result = BlockResult.Unsupported;
        try
        {
            result = _call.Take();
            return true;
        }
        catch (OperationCanceledException) when (_callStop.IsCancellationRequested)
        {
            return false; // given up
        }
        catch (Exception cause) when (HostFailure.IsOfRequest(cause))
        {
            _disk.HostFailed?.Invoke(isFlush
                ? HostFailure.From(cause, BlockOperation.Flush, _disk.Storage.Name, null)
                : HostFailure.From(cause, _transfer.Operation, _disk.Storage.Name, _transfer.OffsetBytes));
            return false;
        }
    }

    private void EndEntry()
    {
        _transfer.End(failed: false);
        lock (_gate)
        {
            if (_core.HasEntry) // else the driver took it back, or the ring is no more
            {
                _core.Advance();
            }
        }
    }

    private void Fail()
    {
        lock (_gate)
        {
            _core.Fail();
        }
    }
}
