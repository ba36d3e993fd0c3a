using Eider.Devices.Requests;
using Eider.Hardware.Lifecycle;
using Eider.Storage;

namespace Eider.Devices.Ide;

/// <content>What the channel's worker does: one job at a time, of the storage or of guest memory.</content>
public sealed partial class IdeChannel
{
    private bool IsMoveWanted() => Volatile.Read(ref _life) == _jobLife;

    // All of it on the worker.
    private void Work()
    {
        if (_call.IsActive)
        {
            if (!_call.IsDone)
            {
                return;
            }

            EndJob(Collect());
        }

        while (TryTake())
        {
            if (_job.Kind is IdeJobKind.MoveIn or IdeJobKind.MoveOut)
            {
                EndJob(Move());
                continue;
            }

            if (!TryFinish(Start()))
            {
                return;
            }
        }
    }

    // False if the storage is not done yet: the worker is signalled when it is.
    private bool TryFinish(ValueTask<BlockResult> task)
    {
        _call.Start(task);
        if (!_call.IsDone)
        {
            return false;
        }

        EndJob(Collect());
        return true;
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
        return true;
    }

    private IdeJobResult Move()
    {
        if (_job.TableAddress is { } table)
        {
            _table.Restart(table);
        }

        return _table.Move(
            _core.Buffer.AsSpan(_job.BufferOffset, _job.LengthBytes), _job.Kind == IdeJobKind.MoveIn, _moveGate, _isMoveWanted);
    }

    private ValueTask<BlockResult> Start()
    {
        var storage = _job.Storage!;
        switch (_job.Kind)
        {
            case IdeJobKind.Read:
                return storage.ReadAsync(_job.OffsetBytes, _core.Buffer.AsMemory(_job.BufferOffset, _job.LengthBytes), _jobStop);
            case IdeJobKind.Write:
                return storage.WriteAsync(_job.OffsetBytes, _core.Buffer.AsMemory(_job.BufferOffset, _job.LengthBytes), _jobStop);
            case IdeJobKind.Discard:
                return storage.DiscardAsync(_job.OffsetBytes, _job.LengthBytes, _jobStop);
            default:
                return storage.FlushAsync(_jobStop);
        }
    }

    private IdeJobResult Collect()
    {
        var outcome = IdeJobOutcome.Failed;
        try
        {
            outcome = _call.Take() switch
            {
                BlockResult.Ok => IdeJobOutcome.Done,
                BlockResult.OutOfRange => IdeJobOutcome.OutOfRange,
                BlockResult.ReadOnly => IdeJobOutcome.ReadOnly,
                _ => IdeJobOutcome.Unsupported,
            };
        }
        catch (OperationCanceledException) when (!IsMoveWanted())
        {
            // The guest gave the command up.
        }
        catch (Exception cause) when (HostFailure.IsOfRequest(cause))
        {
            var failure = HostFailure.From(cause, OperationOf(_job.Kind), _job.Storage!.Name, _job.OffsetBytes);
            outcome = failure.Kind is BlockErrorKind.Closed or BlockErrorKind.FlushFailed ? IdeJobOutcome.Dead : IdeJobOutcome.Failed;
            _settings[_job.Unit]?.HostFailed?.Invoke(failure);
        }

        Count(outcome);
        return new IdeJobResult(outcome);
    }

    private static BlockOperation OperationOf(IdeJobKind kind) => kind switch
    {
        IdeJobKind.Read => BlockOperation.Read,
        IdeJobKind.Write => BlockOperation.Write,
        IdeJobKind.Discard => BlockOperation.Discard,
        _ => BlockOperation.Flush,
    };

    private void Count(IdeJobOutcome outcome)
    {
        var isDone = outcome == IdeJobOutcome.Done;
        var ticks = _services.Clock.GetTimestamp() - _jobStart;
        var statistics = _core[_job.Unit]!.Statistics;
        statistics.Count(
            isDone && _job.Kind == IdeJobKind.Read ? _job.LengthBytes : 0,
            isDone && _job.Kind == IdeJobKind.Write ? _job.LengthBytes : 0,
            (long)((Int128)ticks * 1_000_000_000 / _services.Clock.TimestampFrequency),
            !isDone);
        _trace?.Emit(new TraceEvent(
            TraceCategory.Block, statistics.Name, NameOf(_job.Kind), (ulong)_job.OffsetBytes, (ulong)outcome, (uint)_job.LengthBytes));
    }

    private static string NameOf(IdeJobKind kind) => kind switch
    {
        IdeJobKind.Read => "read",
        IdeJobKind.Write => "write",
        IdeJobKind.Discard => "discard",
        _ => "flush",
    };

    private void EndJob(in IdeJobResult result)
    {
        Leave left;
        TaskCompletionSource? closing;
        TaskCompletionSource? released;
        lock (_gate)
        {
            _core.EndJob(_job, result);
            left = Settle() with { HasJob = false }; // the worker looks for it itself
            (closing, released, _released) = (_closing, _released, null);
        }

        Finish(left);
        released?.TrySetResult();
        closing?.TrySetResult();
    }
}
