using Eider.ImageWorker;
using Eider.Storage.Backends;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;

namespace Eider.Storage.Tests.Crash;

/// <summary>Opens the files of a scenario as its image.</summary>
internal sealed class CrashSession(CrashScenario scenario)
{
    private IDataCipher? _cipher;

    /// <summary>Opens the image.</summary>
    /// <param name="files">Its files, which are closed with it.</param>
    /// <param name="isReadOnly">True to look only.</param>
    /// <param name="isForRepair">True to open it as it is, even if it must be repaired first.</param>
    /// <param name="snapshot">The snapshot to read, or null.</param>
    public async Task<Qcow2Image> OpenAsync(
        IReadOnlyList<BlockStorage> files, bool isReadOnly, bool isForRepair = false, string? snapshot = null)
    {
        var options = new ImageOpenOptions
        {
            IsReadOnly = isReadOnly,
            IsForRepair = isForRepair,
            Snapshot = snapshot,
            CacheBytes = 16 * 1024,
            Chain = ImageChainPolicy.Ignore,
            Backing = await BackingAsync(files, isReadOnly),
            DataFile = scenario.Has(CrashExtras.DataFile) ? files[1] : null,
        };
        var image = (Qcow2Image)await ImageFormats.Qcow2.OpenAsync(files[0], options);
        if (image.IsEncrypted)
        {
            // The key area never changes, and to stretch the passphrase takes longer than all the rest.
            _cipher ??= await Qcow2Encryption.UnlockAsync(image.Core, CrashScenario.Key, default);
            image.Core.Cipher = new SharedCipher(_cipher);
        }

        return image;
    }

    private async Task<BlockStorage?> BackingAsync(IReadOnlyList<BlockStorage> files, bool isReadOnly)
    {
        if (scenario.Has(CrashExtras.Commit))
        {
            return await ImageFormats.Raw.OpenAsync(files[1], new ImageOpenOptions { IsReadOnly = isReadOnly });
        }

        if (scenario.Has(CrashExtras.Rebase))
        {
            var header = await Qcow2HeaderReader.ReadAsync(files[0], default);
            var number = CrashBacking.NumberOf(header.BackingName);
            if (number == null || (header.BackingFormat ?? "none") != (number < 0 ? "none" : "raw"))
            {
                throw new InvalidOperationException($"the backing file is '{header.BackingName}' of format '{header.BackingFormat}', which nobody wrote");
            }

            return number < 0 ? null : new MemoryStorage((ReadOnlyMemory<byte>)CrashBacking.Content(number.Value));
        }

        return scenario.HasBacking ? new MemoryStorage((ReadOnlyMemory<byte>)CrashBacking.Content(0).AsMemory(0, CrashScenario.Sectors * TaggedSectors.Bytes)) : null;
    }

    private sealed class SharedCipher(IDataCipher cipher) : IDataCipher
    {
        public bool IsByHostOffset => cipher.IsByHostOffset;

        public void Encrypt(Span<byte> data, long offsetBytes) => cipher.Encrypt(data, offsetBytes);

        public void Decrypt(Span<byte> data, long offsetBytes) => cipher.Decrypt(data, offsetBytes);
    }
}
