namespace Eider.Storage.Formats.Qcow2;

/// <summary>
/// Encrypts and decrypts the data of an image in place, in sectors of 512 bytes. Called from any thread at once.
/// </summary>
internal interface IDataCipher
{
    /// <summary>True if sectors are numbered by their place in the file (LUKS), false by their place on the disk (AES).</summary>
    bool IsByHostOffset { get; }

    /// <summary>Encrypts whole sectors.</summary>
    /// <param name="data">The sectors.</param>
    /// <param name="offsetBytes">Place of the first one, in bytes; a multiple of 512.</param>
    void Encrypt(Span<byte> data, long offsetBytes);

    /// <summary>Decrypts whole sectors.</summary>
    /// <param name="data">The sectors.</param>
    /// <param name="offsetBytes">Place of the first one, in bytes; a multiple of 512.</param>
    void Decrypt(Span<byte> data, long offsetBytes);
}
