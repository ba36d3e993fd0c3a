using Eider.Cli.QemuImg.Nodes;
using Eider.Storage;

namespace Eider.Cli.QemuImg;

/// <summary>The snapshot that <c>-l</c> names: <c>ID_OR_NAME</c>, or <c>snapshot.id=ID,snapshot.name=NAME</c>.</summary>
internal static class QemuSnapshotName
{
    private const string Prefix = "snapshot.";

    /// <summary>Opens an image, or one of its snapshots.</summary>
    /// <param name="opener">What opens.</param>
    /// <param name="name">The image.</param>
    /// <param name="mode">How.</param>
    /// <param name="text">The snapshot as the user named it; null for none.</param>
    /// <param name="cancellationToken">Ends the attempt early.</param>
    public static async Task<ImageNode> OpenAsync(
        NodeOpener opener, string name, OpenMode mode, string? text, CancellationToken cancellationToken)
    {
        if (text == null)
        {
            return await opener.OpenAsync(name, mode, cancellationToken);
        }

        // The image itself first: what is wrong with it is another failure than a missing snapshot.
        await using (var node = await opener.OpenAsync(name, mode, cancellationToken))
        {
            if (node.Text.Driver != "qcow2")
            {
                throw new QemuImgException(
                    $"Failed to load snapshot: Block format '{node.Text.Driver}' used by device '' does not support temporarily loading internal snapshots");
            }
        }

        try
        {
            return await opener.OpenPlainAsync(name, mode with { Snapshot = IdOrName(text) }, cancellationToken);
        }
        catch (BlockStorageException failure)
        {
            throw new QemuImgException(
                $"Failed to load snapshot: {(failure.Kind == BlockErrorKind.NotFound ? "Can't find snapshot" : QemuWords.WithoutName(failure))}");
        }
    }

    /// <summary>Refuses what names no snapshot.</summary>
    /// <exception cref="QemuImgException">It does not.</exception>
    public static void Check(string? text) => _ = text == null ? null : IdOrName(text);

    private static string IdOrName(string text)
    {
        if (!text.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return text;
        }

        var parts = QemuKeyValues.Parse(text).ToList();
        var wrong = parts.Find(part => part.Key is not ("snapshot.id" or "snapshot.name"));
        return wrong.Key == null && parts.Count > 0
            ? parts[0].Value
            : throw new QemuImgException($"Invalid parameter '{wrong.Key}'\nqemu-img: Failed in parsing snapshot param '{text}'");
    }
}
