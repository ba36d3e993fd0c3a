using System.Globalization;

namespace Eider.Cli.QemuImg.Nodes;

/// <summary>
/// The options of a node, by names such as <c>driver</c> and <c>file.filename</c>. Each that is used is taken out; what is
/// left at the end nobody knows.
/// </summary>
internal sealed class NodeOptions
{
    private readonly Dictionary<string, object> _values = new(StringComparer.Ordinal);

    /// <summary>The names that are left.</summary>
    public IEnumerable<string> Names => _values.Keys;

    /// <summary>Options as a command line writes them, <c>driver=qcow2,file.filename=a</c>; the first word may be one for <c>file</c>.</summary>
    public static NodeOptions FromText(string text)
    {
        var options = new NodeOptions();
        foreach (var (name, value) in QemuKeyValues.Parse(text, "file"))
        {
            options._values[name] = value;
        }

        return options;
    }

    /// <summary>Options as JSON writes them.</summary>
    /// <exception cref="FormatException">It is no JSON, or no object.</exception>
    public static NodeOptions FromJson(string text)
    {
        var options = new NodeOptions();
        options.AddFlat("", QemuJsonReader.Parse(text) as Dictionary<string, object> ?? throw new FormatException("Invalid JSON object given"));
        return options;
    }

    /// <summary>True if there is an option of this name, or one inside of it.</summary>
    public bool Has(string name) =>
        _values.ContainsKey(name) || _values.Keys.Any(key => key.StartsWith(name + ".", StringComparison.Ordinal));

    /// <summary>Adds options that are not there yet.</summary>
    public void AddMissing(NodeOptions others)
    {
        foreach (var (name, value) in others._values)
        {
            _values.TryAdd(name, value);
        }
    }

    /// <summary>Sets an option.</summary>
    public void Set(string name, string value) => _values[name] = value;

    /// <summary>Takes an option out, as text; null if there is none.</summary>
    public string? TakeText(string name) =>
        !_values.Remove(name, out var value) ? null : value is bool flag ? (flag ? "on" : "off") : Convert.ToString(value, CultureInfo.InvariantCulture);

    /// <summary>Takes an option out that is on or off; null if there is none.</summary>
    /// <exception cref="QemuImgException">It is neither.</exception>
    public bool? TakeSwitch(string name) => TakeText(name) switch
    {
        null => null,
        "on" or "yes" or "true" or "y" => true,
        "off" or "no" or "false" or "n" => false,
        _ => throw new QemuImgException($"Parameter '{name}' expects 'on' or 'off'"),
    };

    /// <summary>Takes an option out that is a size; null if there is none.</summary>
    /// <exception cref="QemuImgException">It is none.</exception>
    public long? TakeSize(string name) => TakeText(name) is not { } text ? null
        : QemuSizes.TryParse(text) ?? throw new QemuImgException($"Parameter '{name}' expects a size");

    /// <summary>Takes out all options inside of a name, without it.</summary>
    public NodeOptions TakeChild(string name)
    {
        var child = new NodeOptions();
        foreach (var key in _values.Keys.Where(key => key.StartsWith(name + ".", StringComparison.Ordinal)).ToList())
        {
            _values.Remove(key, out var value);
            child._values[key[(name.Length + 1)..]] = value!;
        }

        return child;
    }

    /// <summary>Takes out what says how a node is run, not what it shows.</summary>
    /// <param name="names">Names; one with a dot at its end stands for all inside of it.</param>
    public void Drop(params string[] names)
    {
        foreach (var key in _values.Keys.Where(key => Array.Exists(names, name => key == name || (name.EndsWith('.') && key.StartsWith(name, StringComparison.Ordinal)))).ToList())
        {
            _values.Remove(key);
        }
    }

    /// <summary>A copy.</summary>
    public NodeOptions Copy()
    {
        var copy = new NodeOptions();
        copy.AddMissing(this);
        return copy;
    }

    /// <summary>The options as they were given, for a name in JSON.</summary>
    public void CopyTo(Dictionary<string, object> target)
    {
        foreach (var (name, value) in _values)
        {
            target[name] = value;
        }
    }

    private void AddFlat(string prefix, Dictionary<string, object> members)
    {
        foreach (var (name, value) in members)
        {
            switch (value)
            {
                case Dictionary<string, object> inner:
                    AddFlat($"{prefix}{name}.", inner);
                    break;
                case List<object> items:
                    AddFlat($"{prefix}{name}.", items.Select((item, index) => (item, index)).ToDictionary(
                        pair => pair.index.ToString(CultureInfo.InvariantCulture), pair => pair.item));
                    break;
                default:
                    _values[prefix + name] = value;
                    break;
            }
        }
    }
}
