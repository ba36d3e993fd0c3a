using System.CommandLine;
using System.CommandLine.Parsing;
using Eider.Cli.Errors;
using Eider.Cli.Images;
using Eider.Storage;
using Eider.Storage.Formats;
using Eider.Storage.Formats.Qcow2;

namespace Eider.Cli.Commands.Img;

/// <summary><c>eider img bitmap</c>.</summary>
internal sealed class ImgBitmap
{
    private readonly Argument<string> _file = ImgOptions.File(description: "The qcow2 image.");
    private readonly Argument<string?> _name = new("BITMAP") { Description = "The bitmap; without it, all are listed.", Arity = ArgumentArity.ZeroOrOne };
    private readonly ImageArguments _image = new();
    private readonly Option<bool> _add = new("--add") { Description = "Add it, empty; from then on it records every write, unless --disable follows." };
    private readonly Option<bool> _remove = new("--remove") { Description = "Remove it; the only thing to do with an inconsistent one." };
    private readonly Option<bool> _clear = new("--clear") { Description = "Take all marks away." };
    private readonly Option<bool> _enable = new("--enable") { Description = "Record writes from now on." };
    private readonly Option<bool> _disable = new("--disable") { Description = "Record nothing from now on; the marks stay." };

    private readonly Option<string[]> _merge = new("--merge")
    {
        Description = "Mark in it what this bitmap marks too, which may have another granularity.",
        HelpName = "SOURCE",
        DefaultValueFactory = _ => [],
    };

    private readonly Option<string?> _granularity = new("--granularity", "-g")
    {
        Description = "With --add: how much of the disk one mark stands for, a power of two from 512 to 2G (default: a cluster, but 4K to 64K).",
        HelpName = "SIZE",
    };

    private readonly Option<string?> _sourceFile = new("--source-file", "-b")
    {
        Description = "With --merge: the qcow2 image that has SOURCE.",
        HelpName = "FILE",
    };

    private readonly Option<string?> _sourceFormat = new("--source-format", "-F")
    {
        Description = "Format of that image: qcow2.",
        HelpName = "FORMAT",
    };

    private ImgBitmap()
    {
    }

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var self = new ImgBitmap();
        return ImgAction.Command(
            "bitmap",
            "List and change the persistent dirty bitmaps of a qcow2 image: what was written since when, for incremental backups. Several changes are made in their order; prints the bitmaps as they are then.",
            [self._file, self._name, self._add, self._remove, self._clear, self._enable, self._disable, self._merge, self._granularity,
                self._sourceFile, self._sourceFormat, .. self._image.All],
            self.RunAsync);
    }

    private async Task<ExitCode> RunAsync(ParseResult result, ImgOutput output, CancellationToken cancellationToken)
    {
        var (location, name) = (result.GetRequiredValue(_file), result.GetValue(_name));
        var actions = ActionsOf(result);
        Check(result, name, actions);
        var access = _image.Read(result) with { Chain = ImageChainPolicy.Ignore };
        await using var source = result.GetValue(_sourceFile) is { } other
            ? await OpenAsync(access with { Format = result.GetValue(_sourceFormat) }, other, isReadOnly: true, cancellationToken) : null;
        await using var image = await OpenAsync(access, location, isReadOnly: actions.Count == 0, cancellationToken);
        await ChangeAsync(result, image, name!, source, actions, cancellationToken);
        var rows = await BitmapRows.OfAsync(image, actions.Count == 0 ? name : null, cancellationToken);
        await output.PrintAsync(rows.AppendTo, rows.WriteTo);
        return ExitCode.Ok;
    }

    /// <summary>The changes in the order of the command line, each by its option and what it takes.</summary>
    private List<(Option Option, string? Value)> ActionsOf(ParseResult result)
    {
        Option[] known = [_add, _remove, _clear, _enable, _disable, _merge];
        var merges = new Queue<string>(result.GetRequiredValue(_merge));
        return [.. result.Tokens
            .Where(token => token.Type == TokenType.Option)
            .Select(token => Array.Find(known, option => option.Name == token.Value))
            .OfType<Option>()
            .Select(option => (option, option == _merge ? merges.Dequeue() : null))];
    }

    private void Check(ParseResult result, string? name, List<(Option Option, string? Value)> actions)
    {
        Expect(name != null || actions.Count == 0, $"{actions.FirstOrDefault().Option?.Name}: expected the name of a bitmap behind the file");
        Expect(result.GetValue(_granularity) == null || actions.Exists(action => action.Option == _add), "-g needs --add");
        Expect(result.GetValue(_sourceFile) == null || actions.Exists(action => action.Option == _merge), "-b needs --merge");
        Expect(result.GetValue(_sourceFormat) == null || result.GetValue(_sourceFile) != null, "-F needs -b");

        static void Expect(bool condition, string message)
        {
            if (!condition)
            {
                throw new CliException(ExitCode.Usage, message);
            }
        }
    }

    private static async Task<Qcow2Image> OpenAsync(ImageAccess access, string location, bool isReadOnly, CancellationToken cancellationToken)
    {
        var image = await access.OpenAsync(location, isReadOnly, cancellationToken);
        if (image is Qcow2Image qcow2)
        {
            return qcow2;
        }

        await image.DisposeAsync();
        throw new CliException(ExitCode.BadInput, $"{location}: a {image.Format.Name} image has no bitmaps; expected qcow2");
    }

    private async Task ChangeAsync(
        ParseResult result, Qcow2Image image, string name, Qcow2Image? source, List<(Option Option, string? Value)> actions,
        CancellationToken cancellationToken)
    {
        var granularity = result.GetValue(_granularity) is { } text ? ImageSizes.Parse("--granularity", text) : image.Bitmaps.DefaultGranularityBytes;
        try
        {
            foreach (var (option, value) in actions)
            {
                await (option.Name switch
                {
                    "--add" => image.Bitmaps.AddAsync(name, Math.Max(1, granularity), cancellationToken: cancellationToken),
                    "--remove" => image.Bitmaps.RemoveAsync(name, cancellationToken),
                    "--clear" => image.Bitmaps.ClearAsync(name, cancellationToken),
                    "--enable" => image.Bitmaps.EnableAsync(name, cancellationToken),
                    "--disable" => image.Bitmaps.DisableAsync(name, cancellationToken),
                    _ => image.Bitmaps.MergeAsync(name, value!, source, cancellationToken),
                });
            }
        }
        catch (BlockStorageException wrong) when (wrong.Kind is BlockErrorKind.NotFound or BlockErrorKind.UnsupportedFeature)
        {
            throw new CliException(ExitCode.BadInput, wrong.Message, wrong);
        }
    }
}
