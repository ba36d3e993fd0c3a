using System.Globalization;
using System.Text;

namespace Eider.Cli.QemuImg.Nodes;

/// <summary>
/// Reads JSON as QEMU does: strings may stand in single quotes too. Objects become dictionaries, arrays lists, numbers long
/// or double, null an empty string.
/// </summary>
internal sealed class QemuJsonReader
{
    private const int MaxDepth = 64;

    private readonly string _text;
    private int _at;
    private int _depth;

    private QemuJsonReader(string text) => _text = text;

    /// <summary>Reads one value.</summary>
    /// <exception cref="FormatException">It is no JSON, or too deep.</exception>
    public static object Parse(string text)
    {
        var reader = new QemuJsonReader(text);
        var value = reader.Value();
        reader.SkipSpace();
        return reader._at == text.Length ? value : throw new FormatException("Expecting at most one JSON value");
    }

    private FormatException Wrong(string what) => new($"JSON parse error, {(_at >= _text.Length ? "premature EOI" : what)}");

    private object Value()
    {
        SkipSpace();
        return Peek() switch
        {
            '{' => Nested(Object),
            '[' => Nested(Array),
            '"' or '\'' => Text(),
            '-' or (>= '0' and <= '9') => Number(),
            _ => Word(),
        };
    }

    private object Nested(Func<object> read)
    {
        if (++_depth > MaxDepth)
        {
            throw Wrong("nesting too deep");
        }

        _at++;
        var value = read();
        _depth--;
        return value;
    }

    private object Object()
    {
        var members = new Dictionary<string, object>(StringComparer.Ordinal);
        for (SkipSpace(); !TryTake('}'); SkipSpace())
        {
            if (members.Count > 0)
            {
                Expect(',', "expected separator in dict");
                SkipSpace();
            }

            if (Peek() is not ('"' or '\''))
            {
                throw Wrong("key is not a string in object");
            }

            var name = Text();
            SkipSpace();
            Expect(':', "missing : in object pair");
            if (!members.TryAdd(name, Value()))
            {
                throw Wrong("duplicate key");
            }
        }

        return members;
    }

    private object Array()
    {
        var items = new List<object>();
        for (SkipSpace(); !TryTake(']'); SkipSpace())
        {
            if (items.Count > 0)
            {
                Expect(',', "expected separator in list");
            }

            items.Add(Value());
        }

        return items;
    }

    private string Text()
    {
        var quote = _text[_at++];
        var text = new StringBuilder();
        while (Peek() != quote)
        {
            if (_at >= _text.Length)
            {
                throw Wrong("unterminated string");
            }

            text.Append(_text[_at] == '\\' ? Escape() : _text[_at++]);
        }

        _at++;
        return text.ToString();
    }

    private char Escape()
    {
        _at++;
        var letter = Peek();
        _at++;
        switch (letter)
        {
            case '"' or '\'' or '\\' or '/':
                return letter;
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'u' when _at + 4 <= _text.Length
                && ushort.TryParse(_text.AsSpan(_at, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code):
                _at += 4;
                return (char)code;
            default:
                throw Wrong("invalid escape in string");
        }
    }

    private object Number()
    {
        var start = _at;
        while (Peek() is '-' or '+' or '.' or 'e' or 'E' or (>= '0' and <= '9'))
        {
            _at++;
        }

        var digits = _text.AsSpan(start, _at - start);
        return long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) ? whole
            : double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number
            : throw Wrong("invalid number");
    }

    private object Word()
    {
        foreach (var (word, value) in ((string, object)[])[("true", true), ("false", false), ("null", "")])
        {
            if (string.CompareOrdinal(_text, _at, word, 0, word.Length) == 0)
            {
                _at += word.Length;
                return value;
            }
        }

        throw Wrong(_at >= _text.Length ? "expecting value" : $"invalid keyword '{_text[_at]}'");
    }

    private char Peek() => _at < _text.Length ? _text[_at] : '\0';

    private bool TryTake(char wanted)
    {
        if (Peek() != wanted)
        {
            return _at >= _text.Length ? throw Wrong("expecting value") : false;
        }

        _at++;
        return true;
    }

    private void Expect(char wanted, string otherwise)
    {
        if (Peek() != wanted)
        {
            throw Wrong(otherwise);
        }

        _at++;
    }

    private void SkipSpace()
    {
        while (Peek() is ' ' or '\t' or '\r' or '\n')
        {
            _at++;
        }
    }
}
