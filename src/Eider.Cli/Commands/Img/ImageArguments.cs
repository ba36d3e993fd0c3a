using System.CommandLine;
using Eider.Cli.Errors;
using Eider.Cli.Images;
using Eider.Storage.Formats;

namespace Eider.Cli.Commands.Img;

/// <summary>The options that say how images are opened, the same in all commands.</summary>
internal sealed class ImageArguments
{
    private readonly Option<string?> _format = new("--format", "-f")
    {
        Description = "Format of the image: raw, qcow2 or luks. Without it, the ending .raw, .qcow2 or .luks says it, else a guess by the first bytes.",
        HelpName = "FORMAT",
    };

    private readonly Option<bool> _allowChain = new("--allow-chain")
    {
        Description = "Let images open the backing and data files that they name.",
    };

    private readonly Option<string?> _within = new("--within")
    {
        Description = "Let images open the files that they name inside of this directory only, symbolic links followed.",
        HelpName = "DIR",
    };

    private readonly Option<bool> _share = new("--force-share", "-U")
    {
        Description = "Read an image that a running machine has open for writing; what is read may change meanwhile.",
    };

    private readonly Option<string?> _keyFile = new("--key-file")
    {
        Description = "File with the passphrase of an encrypted image; a line feed at its end is not part of it.",
        HelpName = "FILE",
    };

    private readonly Option<string> _sourceCache = new("--source-cache", "-T")
    {
        Description = $"How files that are only read are opened: {CacheMode.Names} (default writeback).",
        DefaultValueFactory = _ => "writeback",
        HelpName = "MODE",
    };

    /// <summary>The options, for a command.</summary>
    public IEnumerable<Symbol> All => [_format, _allowChain, _within, _share, _keyFile, _sourceCache];

    /// <summary>What was asked for.</summary>
    /// <exception cref="CliException">Options that exclude each other, or a key file that cannot be read.</exception>
    public ImageAccess Read(ParseResult result)
    {
        var within = result.GetValue(_within);
        if (within != null && result.GetValue(_allowChain))
        {
            throw new CliException(ExitCode.Usage, "--allow-chain and --within exclude each other");
        }

        if (within is { } directory && !Directory.Exists(directory))
        {
            throw new CliException(ExitCode.NoInput, $"--within {directory}: no such directory");
        }

        return new ImageAccess
        {
            Format = result.GetValue(_format),
            Chain = within != null ? ImageChainPolicy.Within(within)
                : result.GetValue(_allowChain) ? ImageChainPolicy.Allow : ImageChainPolicy.Refuse,
            IsShared = result.GetValue(_share),
            IsDirect = CacheMode.Parse("--source-cache", result.GetRequiredValue(_sourceCache)).IsDirect,
            Key = ReadKey("--key-file", result.GetValue(_keyFile)),
        };
    }

    /// <summary>The passphrase in a file, or null for no file.</summary>
    /// <exception cref="CliException">The file cannot be read or is empty.</exception>
    public static ReadOnlyMemory<byte>? ReadKey(string option, string? path)
    {
        if (path == null)
        {
            return null;
        }

        const int MaxBytes = 8192;
        using var file = OpenKey(option, path);
        var bytes = new byte[MaxBytes];
        var length = file.ReadAtLeast(bytes, MaxBytes, throwOnEndOfStream: false);
        length -= length > 0 && bytes[length - 1] == '\n' ? 1 : 0;
        return length > 0
            ? bytes.AsMemory(0, length)
            : throw new CliException(ExitCode.BadInput, $"{option} {path}: the file is empty, expected a passphrase");
    }

    private static FileStream OpenKey(string option, string path)
    {
        try
        {
            return File.OpenRead(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new CliException(ExitCode.NoInput, $"{option} {path}: cannot be read: {failure.Message}", failure);
        }
    }
}
