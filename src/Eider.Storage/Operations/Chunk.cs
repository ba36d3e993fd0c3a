namespace Eider.Storage.Operations;

/// <summary>A piece of a disk that one worker handles.</summary>
/// <param name="Index">Counts the chunks from 0 on, in the order of the disk.</param>
/// <param name="OffsetBytes">Where it starts.</param>
/// <param name="LengthBytes">How long it is; a data chunk fits into a worker's buffer.</param>
/// <param name="Kind">What it holds.</param>
internal readonly record struct Chunk(long Index, long OffsetBytes, long LengthBytes, ChunkKind Kind);
