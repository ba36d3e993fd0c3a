using Eider.Storage.Encryption;

namespace Eider.Storage.Formats.Luks;

/// <summary>A LUKS1 volume in a file of its own: header, key slots, then the encrypted disk.</summary>
public sealed class LuksFormat : ImageFormat
{
    private static readonly ImageCreateOption[] Known = [.. LuksOptions.Known("")];

    internal LuksFormat()
    {
    }

    /// <inheritdoc/>
    public override string Name => "luks";

    /// <inheritdoc/>
    public override IReadOnlyList<ImageCreateOption> CreateOptions => Known;

    /// <inheritdoc/>
    public override int Probe(ReadOnlySpan<byte> beginning) =>
        LuksHeader.HasMagic(beginning) && beginning.Length > 7 && beginning[6] == 0 && beginning[7] == 1 ? 100 : 0;

    /// <inheritdoc/>
    public override async ValueTask<ImageStorage> OpenAsync(
        BlockStorage file, ImageOpenOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(options);
        var area = await LuksArea.OpenAsync(file, 0, file.SizeBytes, cancellationToken).ConfigureAwait(false);
        var payload = area.Header.PayloadSector * (long)SectorCipher.SectorBytes;
        if (payload > file.SizeBytes)
        {
            throw ImageErrors.Corrupt(
                file.Name, BlockOperation.Open, payload, $"LUKS: the data begin at byte {payload} of a file of {file.SizeBytes} bytes");
        }

        var image = new LuksImage(this, file, area, payload, options.IsReadOnly);
        if (options.KeyOf?.Invoke(file.Name) is { } key)
        {
            await image.SetKeyAsync(key, cancellationToken).ConfigureAwait(false);
        }

        return image;
    }

    /// <inheritdoc/>
    public override async ValueTask CreateAsync(
        BlockStorage file, ImageCreateOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(options);
        foreach (var name in options.Options.Keys.Where(name => Known.All(option => option.Name != name)))
        {
            throw ImageErrors.BadOption(
                file, $"unknown option '{name}' for luks; expected {string.Join(", ", Known.Select(option => option.Name))}");
        }

        var luks = LuksOptions.Parse(file, options.Options, "");
        if (options.Key is not { Length: > 0 } key)
        {
            throw ImageErrors.BadOption(file, "a luks image needs a passphrase; found none");
        }

        if (options.SizeBytes % SectorCipher.SectorBytes != 0)
        {
            throw ImageErrors.BadOption(file, $"found {options.SizeBytes} bytes, expected a multiple of {SectorCipher.SectorBytes}");
        }

        var areaBytes = LuksArea.SizeOf(luks.Cipher);
        if (options.SizeBytes > long.MaxValue - areaBytes)
        {
            throw ImageErrors.BadOption(file, $"found {options.SizeBytes} bytes, expected at most {long.MaxValue - areaBytes}");
        }

        await ImageErrors.ExpectDoneAsync(file.ResizeAsync(0, cancellationToken), file, "cannot be resized").ConfigureAwait(false);
        await ImageErrors.ExpectDoneAsync(file.ResizeAsync(areaBytes + options.SizeBytes, cancellationToken), file, "cannot be resized").ConfigureAwait(false);
        var (_, cipher) = await LuksArea.CreateAsync(file, 0, key, luks, cancellationToken).ConfigureAwait(false);
        cipher.Dispose();
    }
}
