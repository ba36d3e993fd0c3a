namespace Eider.Storage.Operations;

/// <summary>Adds up what the workers have done and tells the listener, one call at a time.</summary>
internal sealed class ProgressCounter
{
    private readonly OperationProgress? _listener;
    private readonly long _totalBytes;
    private readonly Lock _gate = new();
    private long _doneBytes;

    public ProgressCounter(OperationProgress? listener, long totalBytes)
    {
        _listener = listener;
        _totalBytes = totalBytes;
    }

    /// <summary>Some more is done.</summary>
    public void Add(long bytes)
    {
        if (_listener == null)
        {
            return;
        }

        lock (_gate)
        {
            _doneBytes += bytes;
            _listener(_doneBytes, _totalBytes);
        }
    }
}
