using System.Globalization;
using System.Text;
using Eider.Machines;
using Eider.Testing.Fuzzing;

namespace Eider.Fuzz.Tests.Targets;

/// <summary>
/// The machine file: JSON made along the schema with values right and wrong, nested too deep, doubled, cut off, overwritten. Accepted: a
/// configuration that passed every check. Else the user gets one line with the place.
/// </summary>
public sealed class MachineFileTarget : FuzzTarget
{
    private const int MaxDepth = 80;

    private static readonly string[] Root =
    [
        "memory", "harts", "kernel", "initrd", "commandLine", "firmware", "disks", "consoles", "rng", "board", "seed", "$schema", "nonsense",
    ];

    private static readonly string[] Disk =
        ["image", "readOnly", "format", "serial", "queues", "overlay", "ring", "features", "required", "slot", "address", "irq", "x"];

    private static readonly string[] Console = ["ports", "slot", "ring", "features", "required", "address", "irq"];

    private static readonly string[] Port = ["name", "in", "out", "input", "output"];

    private static readonly string[] Board = ["power", "rtc", "serial"];

    private static readonly string[] Placement = ["address", "irq"];

    private static readonly string[] Texts =
    [
        "raw", "512M", "vmlinuz", "mem:64M", "disk.img", "disk.img:ro", "file:disk.img", "http://example.org/disk", "packed", "split", "mem", "none",
        "in_order", "-event_idx", "hype", "40", "-34", "0xD0010000", "0x0", "0xFFFFFFFFFFFFFFFF", "9223372036854775807G", "1k", "1KiB", "-1M", "", " ",
        "\\u0000", "\\ud800", "mem:", "mem:99999999999999T", "http:", "nbd://x", "a/../../b", "NaN", "serial-that-is-much-too-long", "\\n",
    ];

    private readonly StringBuilder _text = new();
    private int _budget;

    /// <inheritdoc/>
    public override string Name => "machine-file";

    /// <inheritdoc/>
    public override bool Run(FuzzInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        _text.Clear();
        _budget = 60;
        Object(input, "root", 0);
        var bytes = Encoding.UTF8.GetBytes(_text.ToString());
        for (var spoiled = input.OneIn(3) ? 1 + input.Below(3) : 0; spoiled > 0; spoiled--)
        {
            bytes[input.Below(bytes.Length)] = input.OneIn(2) ? input.Pick("{}[],:\"\\0-e/"u8) : input.Byte();
        }

        var cut = input.OneIn(8) ? input.Below(bytes.Length + 1) : bytes.Length;
        try
        {
            var configuration = MachineFile.Parse(bytes.AsSpan(0, cut), "machine.json", "/machines");
            input.Saw($"accepted with {configuration.Disks.Count} disks, {configuration.Consoles.Count} consoles");
            return true;
        }
        catch (MachineConfigurationException error)
        {
            FuzzException.Unless(error.Where.StartsWith("machine.json:", StringComparison.Ordinal), $"the place is '{error.Where}'");
            UserErrors.Check(input, error);
            return false;
        }
    }

    private void Object(FuzzInput input, string kind, int depth)
    {
        _text.Append('{');
        var properties = PropertiesOf(kind);
        var first = true;
        if (kind == "root" && !input.OneIn(8))
        {
            _text.Append("\"kernel\": \"k\"");
            first = false;
        }

        if (kind == "disk" && !input.OneIn(8))
        {
            _text.Append(CultureInfo.InvariantCulture, $"\"image\": \"mem:{1 + input.Below(64)}M\"");
            first = false;
        }

        for (var count = input.Below(5); count > 0 && _budget-- > 0; count--)
        {
            var at = input.Below(properties.Length);
            if ((properties[at] is "kernel" or "image" && !input.OneIn(16)) || properties[at] is "nonsense" or "x" && !input.OneIn(8))
            {
                continue;
            }

            _text.Append(first ? "" : ", ").Append('"').Append(properties[at]).Append("\": ");
            first = false;
            Value(input, properties[at], depth + 1);
        }

        _text.Append('}');
    }

    private static string[] PropertiesOf(string kind) => kind switch
    {
        "root" => Root,
        "disk" => Disk,
        "console" => Console,
        "port" => Port,
        "board" => Board,
        _ => Placement,
    };

    private void Value(FuzzInput input, string property, int depth)
    {
        if (input.OneIn(12) || depth > MaxDepth)
        {
            Anything(input, depth);
            return;
        }

        switch (property)
        {
            case "disks":
                List(input, "disk", depth);
                break;
            case "consoles":
                List(input, "console", depth);
                break;
            case "ports":
                List(input, "port", depth);
                break;
            case "board":
                Object(input, "board", depth);
                break;
            case "rng" or "power" or "rtc" or "serial" when property != "serial" || depth > 1:
                Object(input, "placement", depth);
                break;
            case "features" or "required":
                TextList(input);
                break;
            case "harts" or "queues" or "slot":
                _text.Append(input.Below(10));
                break;
            case "irq":
                _text.Append(input.Below(100));
                break;
            case "seed":
                _text.Append(input.FourBytes());
                break;
            case "readOnly":
                _text.Append(input.OneIn(2) ? "true" : "false");
                break;
            default:
                _text.Append('"').Append(input.OneIn(8) ? input.Pick<string>(Texts) : input.Pick<string>(GoodTexts(property))).Append('"');
                break;
        }
    }

    private static string[] GoodTexts(string property) => property switch
    {
        "memory" => ["512M", "1M", "8G", "1T", "1048576"],
        "image" => ["disk.img", "disk.img:ro", "file:other.img", "mem:64M", "http://example.org/disk"],
        "format" => ["raw"],
        "overlay" => ["mem", "none"],
        "ring" => ["packed", "split"],
        "address" => ["0xD0010000", "0xD0020000", "0xC0000000", "0x10000000"],
        "serial" => ["abc", "12345678901234567890"],
        _ => ["a", "b", "c", "console=hvc0 root=/dev/vda"],
    };

    private void List(FuzzInput input, string kind, int depth)
    {
        _text.Append('[');
        for (var count = input.OneIn(16) ? input.Below(40) : input.Below(3); count > 0 && _budget-- > 0; count--)
        {
            Object(input, kind, depth);
            _text.Append(count > 1 && _budget > 0 ? ", " : "");
        }

        _text.Append(']');
    }

    private void TextList(FuzzInput input)
    {
        _text.Append("[\"").Append(input.OneIn(4)
            ? input.Pick<string>(Texts)
            : input.Pick<string>(["in_order", "-event_idx", "version_1", "-indirect_desc", "35", "-29"])).Append("\"]");
    }

    private void Text(FuzzInput input) => _text.Append('"').Append(input.Pick<string>(Texts)).Append('"');

    private void Anything(FuzzInput input, int depth)
    {
        switch (input.Below(8))
        {
            case 0:
                _text.Append("null");
                break;
            case 1:
                _text.Append(unchecked((long)input.Edge(1 << 20)));
                break;
            case 2:
                _text.Append(input.Edge(1 << 20));
                break;
            case 3:
                _text.Append("1e400");
                break;
            case 4:
                _text.Append('[', 1 + input.Below(100));
                break;
            case 5:
                Text(input);
                break;
            case 6:
                Object(input, input.Pick<string>(["disk", "console", "port", "board", "placement"]), depth + 1);
                break;
            default:
                _text.Append("/* */ true");
                break;
        }
    }
}
