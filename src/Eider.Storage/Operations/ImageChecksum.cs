using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Eider.Storage.Operations;

/// <summary>
/// A hash of a disk's content that does not depend on the format, on clusters or on what is allocated: two images have
/// the same one if and only if a guest reads the same bytes from both.
/// </summary>
/// <remarks>
/// The disk is cut into blocks of 64 KiB, the last one filled up with zeroes, and into windows of 32,768 blocks (2 GiB).
/// The hash of a window is the SHA-256 over the SHA-256 of each of its blocks in order. H is the SHA-256 over the ASCII
/// text <c>eider-content-1</c>, the size in bytes (8 bytes, little-endian) and the hash of each window in order. So holes
/// cost no reading and next to no hashing, and blocks are hashed in parallel.
/// </remarks>
public static class ImageChecksum
{
    /// <summary>The unit of the hash, in bytes.</summary>
    public const int BlockBytes = 64 << 10;

    /// <summary>The unit that an empty stretch is skipped in, in bytes.</summary>
    public const long WindowBytes = 2L << 30;

    /// <summary>The hash of a disk.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="workers">How many pieces are hashed at once; 1 to 64.</param>
    /// <param name="progress">Told how far it is.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    /// <returns>32 bytes.</returns>
    /// <exception cref="BlockStorageException">The host failed.</exception>
    public static async ValueTask<byte[]> ComputeAsync(
        BlockStorage disk, int workers = 2, OperationProgress? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(disk);
        var size = disk.SizeBytes;
        var counter = new ProgressCounter(progress, size);
        using var all = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        AppendHeader(all, size);
        var windows = new WindowHasher(disk, workers, counter);
        for (var start = 0L; start < size; start += WindowBytes)
        {
            var length = Math.Min(WindowBytes, size - start);
            all.AppendData(await windows.HashAsync(start, length, cancellationToken).ConfigureAwait(false));
        }

        return all.GetHashAndReset();
    }

    private static void AppendHeader(IncrementalHash all, long size)
    {
        all.AppendData("eider-content-1"u8);
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, size);
        all.AppendData(bytes);
    }
}
