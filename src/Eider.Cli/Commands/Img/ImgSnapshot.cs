using System.CommandLine;
using System.Globalization;
using Eider.Cli.Errors;
using Eider.Cli.Images;
using Eider.Storage;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;

namespace Eider.Cli.Commands.Img;

/// <summary><c>eider img snapshot</c>.</summary>
internal sealed class ImgSnapshot
{
    private readonly Argument<string> _file = ImgOptions.File(description: "The qcow2 image.");
    private readonly ImageArguments _image = new();
    private readonly Option<bool> _list = new("--list", "-l") { Description = "List the snapshots; the default." };
    private readonly Option<string?> _create = Named("--create", "-c", "Take a snapshot of this name.");
    private readonly Option<string?> _apply = Named("--apply", "-a", "Make the disk what it was at the snapshot of this id or name.");
    private readonly Option<string?> _delete = Named("--delete", "-d", "Delete the snapshot of this id or name.");

    private ImgSnapshot()
    {
    }

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var self = new ImgSnapshot();
        return ImgAction.Command(
            "snapshot", "List, take, apply and delete the snapshots inside of a qcow2 image. Prints the list as it is then.",
            [self._file, self._list, self._create, self._apply, self._delete, .. self._image.All], self.RunAsync);
    }

    private async Task<ExitCode> RunAsync(ParseResult result, ImgOutput output, CancellationToken cancellationToken)
    {
        var location = result.GetRequiredValue(_file);
        var (create, apply, delete) = (result.GetValue(_create), result.GetValue(_apply), result.GetValue(_delete));
        var changes = new[] { create, apply, delete }.Count(name => name != null);
        if (changes + (result.GetValue(_list) ? 1 : 0) > 1)
        {
            throw new CliException(ExitCode.Usage, "expected one of --list, --create, --apply and --delete");
        }

        var access = _image.Read(result) with { Chain = ImageChainPolicy.Ignore };
        await using var image = await access.OpenAsync(location, isReadOnly: changes == 0, cancellationToken);
        if (image is not Qcow2Image qcow2)
        {
            throw new CliException(ExitCode.BadInput, $"{location}: a {image.Format.Name} image has no snapshots; expected qcow2");
        }

        if (create is { Length: 0 })
        {
            throw new CliException(ExitCode.Usage, "--create: found an empty name, expected one with a character at least");
        }

        await ChangeAsync(qcow2, create, apply, delete, cancellationToken);
        var snapshots = await qcow2.GetSnapshotsAsync(cancellationToken);
        await output.PrintAsync(
            text =>
            {
                foreach (var one in snapshots)
                {
                    text.Append(
                        CultureInfo.InvariantCulture,
                        $"{ImageReport.Printable(one.Id),-4} {ImageReport.Printable(one.Name),-24} {DateOf(one):yyyy-MM-dd HH:mm:ss}Z  {ImageSizes.Text(one.DiskBytes ?? qcow2.SizeBytes)}\n");
                }
            },
            json =>
            {
                json.WriteStartArray();
                foreach (var one in snapshots)
                {
                    json.WriteStartObject();
                    json.WriteString("id", one.Id);
                    json.WriteString("name", one.Name);
                    json.WriteNumber("vm-state-size", one.StateBytes);
                    json.WriteNumber("date-sec", one.DateSeconds);
                    json.WriteNumber("date-nsec", one.DateNanoseconds);
                    json.WriteNumber("disk-size", one.DiskBytes ?? qcow2.SizeBytes);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
            });
        return ExitCode.Ok;
    }

    private static async Task ChangeAsync(Qcow2Image image, string? create, string? apply, string? delete, CancellationToken cancellationToken)
    {
        try
        {
            if (create != null)
            {
                await image.CreateSnapshotAsync(create, TimeProvider.System.GetUtcNow(), cancellationToken);
            }

            if (apply != null)
            {
                await image.ApplySnapshotAsync(apply, cancellationToken);
            }

            if (delete != null)
            {
                await image.DeleteSnapshotAsync(delete, cancellationToken);
            }
        }
        catch (BlockStorageException missing) when (missing.Kind == BlockErrorKind.NotFound)
        {
            throw new CliException(ExitCode.BadInput, missing.Message, missing);
        }

        if (create != null || apply != null || delete != null)
        {
            await image.FlushAsync(cancellationToken);
        }
    }

    private static DateTimeOffset DateOf(Qcow2Snapshot snapshot) => DateTimeOffset.FromUnixTimeSeconds(snapshot.DateSeconds);

    private static Option<string?> Named(string name, string alias, string help) => new(name, alias) { Description = help, HelpName = "NAME" };
}
