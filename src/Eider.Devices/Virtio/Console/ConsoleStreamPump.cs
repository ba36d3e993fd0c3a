namespace Eider.Devices.Virtio.Console;

/// <summary>
/// Moves bytes between two streams and a <see cref="ConsoleEndpoint"/>. The pump belongs to the host's end, not
/// to the life of the device: a reset of the device leaves a blocked read alone, and what it brings is kept for
/// the next driver.
/// </summary>
internal sealed class ConsoleStreamPump : IAsyncDisposable
{
    private const int PieceBytes = 8192;

    private readonly ConsoleEndpoint _endpoint;
    private readonly Action<Exception> _failed;
    private readonly Lock _gate = new();

    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationToken _stopped;
    private Task _output = Task.CompletedTask;
    private Task? _stopping;

    /// <summary>Makes a pump, at rest.</summary>
    /// <param name="endpoint">The end that it serves.</param>
    /// <param name="failed">Told, on any thread, of each stream that failed; that direction ends.</param>
    public ConsoleStreamPump(ConsoleEndpoint endpoint, Action<Exception> failed)
    {
        _endpoint = endpoint;
        _failed = failed;
        _stopped = _stop.Token;
    }

    /// <summary>True once it was stopped and the output has everything.</summary>
    public bool IsStopped => Volatile.Read(ref _stopping) is { IsCompleted: true };

    /// <summary>Starts to move.</summary>
    /// <param name="input">What the guest reads; null for nothing.</param>
    /// <param name="output">Where the guest's output goes; null throws it away.</param>
    public void Start(Stream? input, Stream? output)
    {
        if (output is null)
        {
            _endpoint.CloseOutput();
        }
        else
        {
            _output = PumpOutputAsync(output);
        }

        if (input is null)
        {
            _endpoint.CloseInput();
        }
        else
        {
            _ = PumpInputAsync(input);
        }
    }

    /// <summary>Ends the pump: what the guest wrote so far still goes out, input is not waited for.</summary>
    /// <returns>Done when the output has everything. The same task each time.</returns>
    public Task Stop()
    {
        lock (_gate)
        {
            return _stopping ??= StopCoreAsync();
        }
    }

    /// <summary>As <see cref="Stop"/>, but gives up on an output that does not take the rest.</summary>
    /// <param name="patience">When to give up.</param>
    /// <returns>False if something was left.</returns>
    public async Task<bool> StopAsync(CancellationToken patience)
    {
        var stopping = Stop();
        try
        {
            await stopping.WaitAsync(patience).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException)
        {
            await _stop.CancelAsync().ConfigureAwait(false);
            return false;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Stop().ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task StopCoreAsync()
    {
        _endpoint.Close();
        await _output.ConfigureAwait(false);
        await _stop.CancelAsync().ConfigureAwait(false);
    }

    private async Task PumpInputAsync(Stream input)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var piece = new byte[PieceBytes];
        try
        {
            while (await input.ReadAsync(piece, _stopped).ConfigureAwait(false) is > 0 and var length)
            {
                await _endpoint.SendAsync(piece.AsMemory(0, length), _stopped).ConfigureAwait(false);
            }
        }
        catch (Exception) when (_stopped.IsCancellationRequested || !_endpoint.IsOpen)
        {
            return;
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _failed(e);
        }

        _endpoint.CloseInput();
    }

    private async Task PumpOutputAsync(Stream output)
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var piece = new byte[PieceBytes];
        try
        {
            while (await _endpoint.ReceiveAsync(piece, _stopped).ConfigureAwait(false) is > 0 and var length)
            {
                await output.WriteAsync(piece.AsMemory(0, length), _stopped).ConfigureAwait(false);
                await output.FlushAsync(_stopped).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_stopped.IsCancellationRequested)
        {
            // Stopped.
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            _endpoint.CloseOutput();
            _failed(e);
        }
    }
}
