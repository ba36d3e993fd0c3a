using Eider.Storage.Encryption;

namespace Eider.Storage.Formats.Qcow2;

/// <summary>A sector cipher that counts in bytes of the file or of the disk.</summary>
internal sealed class Qcow2DataCipher(SectorCipher cipher, bool isByHostOffset) : IDataCipher, IDisposable
{
    public bool IsByHostOffset => isByHostOffset;

    public void Encrypt(Span<byte> data, long offsetBytes) => cipher.Encrypt(offsetBytes / SectorCipher.SectorBytes, data);

    public void Decrypt(Span<byte> data, long offsetBytes) => cipher.Decrypt(offsetBytes / SectorCipher.SectorBytes, data);

    public void Dispose() => cipher.Dispose();
}
