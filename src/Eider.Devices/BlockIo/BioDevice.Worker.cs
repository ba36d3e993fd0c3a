using Eider.Devices.Requests;
using Eider.Hardware.Lifecycle;
using Eider.Storage;

namespace Eider.Devices.BlockIo;

/// <content>The worker: takes jobs, runs them, ends them.</content>
public sealed partial class BioDevice
{
    // All of it on the worker.
    private void Work()
    {
        if (_call.IsActive)
        {
            if (!_call.IsDone)
            {
                return;
            }

            _transfer.End(Collect());
            if (!TryMove())
            {
                return;
            }
        }

        while (TryTake())
        {
            if (!TryMove())
            {
                return;
            }
        }
    }

    private bool TryTake()
    {
        lock (_gate)
        {
            if (_isClosed || !_core.TryTakeJob(out _job))
            {
                return false;
            }

            _jobLife = _life;
            _jobStop = _stop.Token;
        }

        _jobStart = _services.Clock.GetTimestamp();
        _transfer.Begin(_job);
        return true;
    }

    // Goes on with the job until it has ended; false if the storage is not done yet: the worker is signalled when it is.
    private bool TryMove()
    {
        while (IsWanted() && TryStart(out var access))
        {
            _call.Start(access);
            if (!_call.IsDone)
            {
                return false;
            }

            _transfer.End(Collect());
        }

        EndJob(_transfer.Result);
        return true;
    }

    // What an author wrote may throw when it is asked where blocks are.
    private bool TryStart(out ValueTask<BlockResult> access)
    {
        try
        {
            return _transfer.TryStart(_jobStop, out access);
        }
        catch (Exception cause) when (HostFailure.IsOfRequest(cause))
        {
            Report(cause);
            _transfer.End(BioOutcome.Failed);
            return _transfer.TryStart(_jobStop, out access);
        }
    }

    private bool IsWanted() => Volatile.Read(ref _life) == _jobLife;

    private BioOutcome Collect()
    {
        try
        {
            return _call.Take() switch
            {
                BlockResult.Ok => BioOutcome.Done,
                BlockResult.OutOfRange => BioOutcome.OutOfRange,
                BlockResult.ReadOnly => BioOutcome.ReadOnly,
                _ => BioOutcome.Failed,
            };
        }
        catch (OperationCanceledException) when (!IsWanted())
        {
            return BioOutcome.Failed; // the guest gave the command up
        }
        catch (Exception cause) when (HostFailure.IsOfRequest(cause))
        {
            Report(cause);
            return BioOutcome.Failed;
        }
    }

    private void Report(Exception cause) => _options.HostFailed?.Invoke(
        HostFailure.From(cause, _job.IsWrite ? BlockOperation.Write : BlockOperation.Read, _job.Storage.Name, null));

    private void EndJob(in BioJobResult result)
    {
        Count(result);
        Leave leave;
        TaskCompletionSource? closing;
        lock (_gate)
        {
            var isWanted = _core.EndJob(_job, result);
            leave = Settle(isWanted) with { HasJob = false }; // the worker looks for it itself
            closing = _closing;
        }

        Finish(leave);
        closing?.TrySetResult();
    }

    private void Count(in BioJobResult result)
    {
        var ticks = _services.Clock.GetTimestamp() - _jobStart;
        Statistics.Count(
            _job.IsWrite ? 0 : result.MovedBytes,
            _job.IsWrite ? result.MovedBytes : 0,
            (long)((Int128)ticks * 1_000_000_000 / _services.Clock.TimestampFrequency),
            result.Outcome != BioOutcome.Done);
        _trace?.Emit(new TraceEvent(
            TraceCategory.Block, Statistics.Name, _job.IsWrite ? "write" : "read", _job.Block, (ulong)result.Outcome, _job.Count));
    }
}
