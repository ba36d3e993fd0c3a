namespace Eider.Storage.Operations;

/// <summary>Reads around places that cannot be read.</summary>
internal static class UnreadableRanges
{
    private const int PieceBytes = 4096;

    /// <summary>Reads what can be read in small pieces; the rest becomes zeroes and is told.</summary>
    public static async ValueTask ReadAsync(
        BlockStorage source, long offsetBytes, Memory<byte> buffer, ImageCopyOptions options, CancellationToken cancellationToken)
    {
        for (var done = 0; done < buffer.Length; done += PieceBytes)
        {
            var piece = buffer.Slice(done, Math.Min(PieceBytes, buffer.Length - done));
            try
            {
                OperationResults.ThrowUnlessOk(
                    await source.ReadAsync(offsetBytes + done, piece, cancellationToken).ConfigureAwait(false),
                    source, BlockOperation.Read, offsetBytes + done);
            }
            catch (BlockStorageException exception)
            {
                piece.Span.Clear();
                options.OnUnreadable?.Invoke(offsetBytes + done, piece.Length, exception);
            }
        }
    }
}
