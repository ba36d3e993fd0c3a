using System.Globalization;
using Eider.Cli.Errors;

namespace Eider.Cli.Commands;

/// <summary>An option's value of the form <c>FIRST,key=value,flag</c>; a comma in a name is written twice.</summary>
internal sealed class CommaList
{
    private readonly Dictionary<string, string?> _settings = new(StringComparer.Ordinal);
    private readonly string _option;

    private CommaList(string option, string first)
    {
        _option = option;
        First = first;
    }

    /// <summary>What stands before the first comma.</summary>
    public string First { get; }

    /// <summary>Takes a value apart.</summary>
    /// <param name="option">The option, for messages.</param>
    /// <param name="value">Its value.</param>
    /// <param name="known">Keys that it may have.</param>
    /// <exception cref="CliException">An unknown key, or one twice.</exception>
    public static CommaList Parse(string option, string value, params ReadOnlySpan<string> known)
    {
        var parts = CommaText.Split(value);
        var list = new CommaList(option, parts[0]);
        foreach (var part in parts.Skip(1))
        {
            var pair = part.Split('=', 2);
            if (!known.Contains(pair[0]))
            {
                throw new CliException(
                    ExitCode.Usage,
                    $"{option} {value}: unknown setting '{pair[0]}'; expected {string.Join(", ", known!)} (a comma in a name is written ',,')");
            }

            if (!list._settings.TryAdd(pair[0], pair.Length > 1 ? pair[1] : null))
            {
                throw new CliException(ExitCode.Usage, $"{option} {value}: '{pair[0]}' stands there twice");
            }
        }

        return list;
    }

    /// <summary>A setting's value, or null if it is not there.</summary>
    /// <exception cref="CliException">It is there without a value.</exception>
    public string? Value(string key) =>
        !_settings.TryGetValue(key, out var value)
            ? null
            : value ?? throw new CliException(ExitCode.Usage, $"{_option} {First}: '{key}' wants a value, as in {key}=...");

    /// <summary>True for a flag: <c>key</c> or <c>key=on</c>.</summary>
    /// <exception cref="CliException">It has another value.</exception>
    public bool Flag(string key) =>
        _settings.TryGetValue(key, out var value) && value switch
        {
            null or "on" => true,
            "off" => false,
            _ => throw new CliException(ExitCode.Usage, $"{_option} {First}: {key} is '{value}', expected on or off"),
        };

    /// <summary>A setting's value as a number in a range, or null if it is not there.</summary>
    /// <exception cref="CliException">It is none.</exception>
    public int? Number(string key, int least, int most)
    {
        if (Value(key) is not { } text)
        {
            return null;
        }

        return int.TryParse(text, NumberStyles.None, null, out var number)
            && number >= least && number <= most
            ? number
            : throw new CliException(
                ExitCode.Usage, $"{_option} {First}: {key} is '{text}', expected a number from {least} to {most}");
    }

    /// <summary>A setting's value as an address, or null if it is not there.</summary>
    /// <param name="key">The setting.</param>
    /// <param name="multipleOf">What an address is a multiple of, in bytes; the machine checks it.</param>
    /// <exception cref="CliException">It is none.</exception>
    public ulong? Address(string key, int multipleOf)
    {
        if (Value(key) is not { } text)
        {
            return null;
        }

        return text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            && ulong.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var address)
            ? address
            : throw new CliException(ExitCode.Usage, string.Create(
                CultureInfo.InvariantCulture, $"{_option} {First}: {key} is '{text}', expected a multiple of {multipleOf} as 0x{multipleOf:x}"));
    }
}
