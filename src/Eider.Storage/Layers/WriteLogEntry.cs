namespace Eider.Storage.Layers;

/// <summary>One change in a <see cref="WriteLog"/>.</summary>
/// <param name="Operation">Write, zeroes, discard, resize or flush.</param>
/// <param name="OffsetBytes">Where; the new size of a resize; 0 for a flush.</param>
/// <param name="LengthBytes">How long; 0 for a flush or a resize.</param>
/// <param name="Data">What was written; empty unless it was a write.</param>
/// <param name="DurableCount">
/// For a flush: that many entries at the beginning of the log had ended when it was called, so they are durable. Else 0.
/// </param>
public sealed record WriteLogEntry(
    BlockOperation Operation, long OffsetBytes, long LengthBytes, ReadOnlyMemory<byte> Data, int DurableCount);
