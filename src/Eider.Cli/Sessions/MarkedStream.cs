namespace Eider.Cli.Sessions;

/// <summary>
/// Hands on what comes before a mark. What could be the mark's beginning waits until it is clear that it is not;
/// everything else goes on at once.
/// </summary>
/// <param name="mark">The bytes that end the stream; not empty.</param>
/// <param name="output">Where the rest goes.</param>
internal sealed class MarkedStream(ReadOnlyMemory<byte> mark, Stream output)
{
    private readonly List<byte> _held = [];

    /// <summary>True once the mark has come.</summary>
    public bool IsEnded { get; private set; }

    /// <summary>Takes a piece.</summary>
    public async ValueTask WriteAsync(ReadOnlyMemory<byte> piece, CancellationToken cancellationToken)
    {
        if (IsEnded || piece.IsEmpty)
        {
            return;
        }

        byte[] all = [.. _held, .. piece.Span];
        _held.Clear();
        var at = all.AsSpan().IndexOf(mark.Span);
        IsEnded = at >= 0;
        var ready = IsEnded ? at : all.Length - PossibleStart(all);
        _held.AddRange(IsEnded ? [] : all[ready..]);
        if (ready > 0)
        {
            await output.WriteAsync(all.AsMemory(0, ready), cancellationToken);
            await output.FlushAsync(cancellationToken);
        }
    }

    /// <summary>Hands on what was held back, since nothing more will come.</summary>
    public async ValueTask EndAsync(CancellationToken cancellationToken)
    {
        await output.WriteAsync(_held.ToArray(), cancellationToken);
        await output.FlushAsync(cancellationToken);
        _held.Clear();
    }

    // Length of the longest end of the bytes that the mark begins with.
    private int PossibleStart(ReadOnlySpan<byte> bytes)
    {
        for (var length = Math.Min(mark.Length - 1, bytes.Length); length > 0; length--)
        {
            if (bytes[^length..].SequenceEqual(mark.Span[..length]))
            {
                return length;
            }
        }

        return 0;
    }
}
