namespace Eider.Storage.Formats.Qcow2;

/// <summary>How the data are encrypted (qcow2 specification, "Header", bytes 32 to 35).</summary>
public enum Qcow2EncryptionMethod
{
    /// <summary>Not at all.</summary>
    None = 0,

    /// <summary>The old kind: AES-128-CBC with the passphrase as the key. Not safe.</summary>
    Aes = 1,

    /// <summary>LUKS.</summary>
    Luks = 2,
}
