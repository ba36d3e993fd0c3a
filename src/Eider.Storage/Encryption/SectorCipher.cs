namespace Eider.Storage.Encryption;

/// <summary>
/// Encrypts and decrypts whole sectors of 512 bytes, each by its number. May be called from any thread at once;
/// nothing is allocated for a sector or a request once the work space exists.
/// </summary>
public abstract class SectorCipher : IDisposable
{
    /// <summary>Size of a sector in bytes.</summary>
    public const int SectorBytes = 512;

    private protected SectorCipher()
    {
    }

    /// <summary>Encrypts sectors in place.</summary>
    /// <param name="firstSector">Number of the first.</param>
    /// <param name="sectors">Their bytes; a multiple of 512.</param>
    public void Encrypt(long firstSector, Span<byte> sectors) => Encrypt(firstSector, sectors, sectors);

    /// <summary>Decrypts sectors in place.</summary>
    /// <param name="firstSector">Number of the first.</param>
    /// <param name="sectors">Their bytes; a multiple of 512.</param>
    public void Decrypt(long firstSector, Span<byte> sectors) => Decrypt(firstSector, sectors, sectors);

    /// <summary>Encrypts sectors.</summary>
    /// <param name="firstSector">Number of the first.</param>
    /// <param name="source">Their bytes; a multiple of 512.</param>
    /// <param name="destination">As long; the same memory or other.</param>
    public abstract void Encrypt(long firstSector, ReadOnlySpan<byte> source, Span<byte> destination);

    /// <summary>Decrypts sectors.</summary>
    /// <param name="firstSector">Number of the first.</param>
    /// <param name="source">Their bytes; a multiple of 512.</param>
    /// <param name="destination">As long; the same memory or other.</param>
    public abstract void Decrypt(long firstSector, ReadOnlySpan<byte> source, Span<byte> destination);

    /// <summary>Forgets the keys; no call may be under way.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Forgets the keys.</summary>
    protected abstract void Dispose(bool disposing);

    private protected static void CheckLengths(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(source.Length % SectorBytes, 0, nameof(source));
        ArgumentOutOfRangeException.ThrowIfNotEqual(destination.Length, source.Length, nameof(destination));
    }
}
