using Eider.Cli.Errors;
using Eider.Storage;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Foreign;

namespace Eider.Cli.Images;

/// <summary>
/// The format of an image, and how sure it is. What the user named counts; else the ending of the file's name where it
/// is clear, since the user chose that; else the first bytes. A guest may have written those, so a guess of this kind
/// never lets an image open another file, and a disk that was guessed to be raw never becomes an image by a write.
/// </summary>
/// <param name="Format">The driver.</param>
/// <param name="IsGuess">True if only the bytes of the file say so.</param>
internal sealed record FormatChoice(ImageFormat Format, bool IsGuess)
{
    /// <summary>True if the image may open the files that it names, as far as the user allows any.</summary>
    public bool MayOpenFiles => !IsGuess;

    /// <summary>Chooses.</summary>
    /// <param name="file">The file.</param>
    /// <param name="named">The format that the user named, or null.</param>
    /// <param name="cancellationToken">Ends the attempt early.</param>
    /// <exception cref="CliException">The file is an image of a format that is not read here.</exception>
    /// <exception cref="BlockStorageException">There is no such format, or the file cannot be read.</exception>
    public static async Task<FormatChoice> OfAsync(BlockStorage file, string? named, CancellationToken cancellationToken)
    {
        if (named != null)
        {
            return new FormatChoice(ImageFormats.Get(named, file.Name), IsGuess: false);
        }

        var ending = Path.GetExtension(file.Name).TrimStart('.').ToLowerInvariant();
        if (ending == "raw")
        {
            return new FormatChoice(ImageFormats.Raw, IsGuess: false);
        }

        var guess = await ImageFormats.ProbeAsync(file, cancellationToken);
        if (guess == ImageFormats.Raw && await ForeignImage.TryReadAsync(file, cancellationToken) is { } foreign)
        {
            throw new CliException(
                ExitCode.BadInput,
                $"{file.Name}: found a {foreign.Format} image, which only 'eider img info' reads; say -f raw if these bytes are the disk");
        }

        return new FormatChoice(guess, IsGuess: ending != guess.Name);
    }
}
