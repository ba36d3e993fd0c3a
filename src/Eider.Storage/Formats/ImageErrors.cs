namespace Eider.Storage.Formats;

/// <summary>The failures of images, each in one line: what, where, found, expected.</summary>
internal static class ImageErrors
{
    private const string StructuralKey = "Eider.Structural";
    private const int MaxPrinted = 1000;

    /// <summary>An option that is unknown, wrong, or contradicts another.</summary>
    public static BlockStorageException BadOption(BlockStorage file, string what) =>
        new(BlockErrorKind.InvalidFormat, BlockOperation.Open, file.Name, null, $"{file.Name}: {what}");

    /// <summary>The file is no image of the format.</summary>
    public static BlockStorageException Invalid(string name, long? offsetBytes, string what) =>
        new(BlockErrorKind.InvalidFormat, BlockOperation.Open, name, offsetBytes, $"{name}: {what}");

    /// <summary>The image uses what is not known here.</summary>
    public static BlockStorageException Unsupported(string name, string what) =>
        new(BlockErrorKind.UnsupportedFeature, BlockOperation.Open, name, null, $"{name}: {what}");

    /// <summary>The image contradicts itself.</summary>
    public static BlockStorageException Corrupt(string name, BlockOperation operation, long? offsetBytes, string what) =>
        new(BlockErrorKind.CorruptImage, operation, name, offsetBytes, $"{name}: {what}");

    /// <summary>The tables of an image contradict themselves: writing on would destroy more.</summary>
    public static BlockStorageException Structural(string name, long offsetBytes, string what)
    {
        var failure = Corrupt(
            name, BlockOperation.Write, offsetBytes,
            string.Create(
                System.Globalization.CultureInfo.InvariantCulture, $"{what} (offset {offsetBytes} of the file); see 'eider img check'"));
        failure.Data[StructuralKey] = true;
        return failure;
    }

    /// <summary>A text out of an image for a message: no control character, not endless.</summary>
    public static string Printable(string text) =>
        string.Concat(text.Take(MaxPrinted).Select(character => char.IsControl(character) ? '?' : character));

    /// <summary>True for failures after which an image must not be written any more.</summary>
    public static bool IsStructural(BlockStorageException exception) => exception.Data.Contains(StructuralKey);

    /// <summary>Waits for a request below, and takes every outcome but success as a failure.</summary>
    public static async ValueTask ExpectDoneAsync(ValueTask<BlockResult> request, BlockStorage file, string what)
    {
        var result = await request.ConfigureAwait(false);
        if (result != BlockResult.Ok)
        {
            throw new BlockStorageException(
                result == BlockResult.ReadOnly ? BlockErrorKind.AccessDenied : BlockErrorKind.Io,
                BlockOperation.Write, file.Name, null, $"{file.Name}: {what}: {result}");
        }
    }
}
