using System.Globalization;

namespace Eider.Cli.QemuImg;

/// <summary>An option of a new image, as QEMU lists it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">How its value is written.</param>
/// <param name="Help">What it means.</param>
/// <param name="Normal">Its value where none is given; null for none that is shown.</param>
internal sealed record QemuCreateOption(string Name, QemuOptionKind Kind, string Help, string? Normal = null)
{
    private const int HelpColumn = 24;

    /// <summary>The line of the option in a help text.</summary>
    public string HelpLine => $"  {Name}=<{Word}>".PadRight(HelpColumn) + $" - {Help}\n";

    private string Word => Kind switch
    {
        QemuOptionKind.Switch => "bool (on/off)",
        QemuOptionKind.Number => "num",
        QemuOptionKind.Size => "size",
        _ => "str",
    };

    /// <summary>A value as it is shown and used: sizes in bytes.</summary>
    /// <exception cref="QemuImgException">It is none.</exception>
    public string Read(string value) => Kind switch
    {
        QemuOptionKind.Switch => value is "on" or "off" or "yes" or "no" or "true" or "false" or "y" or "n"
            ? value : throw new QemuImgException($"Parameter '{Name}' expects 'on' or 'off'"),
        QemuOptionKind.Number => long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? $"{number}" : throw new QemuImgException($"Parameter '{Name}' expects a number"),
        QemuOptionKind.Size => $"{QemuSizes.OfParameter(Name, value)}",
        _ => value,
    };
}
