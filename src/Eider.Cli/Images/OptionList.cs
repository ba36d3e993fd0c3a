using Eider.Cli.Commands;
using Eider.Cli.Errors;

namespace Eider.Cli.Images;

/// <summary>Options of a format as users write them: <c>name=value,name=value</c>; a comma in a value is written twice.</summary>
internal static class OptionList
{
    /// <summary>Takes the values of all <c>-o</c> apart; a later one wins.</summary>
    /// <exception cref="CliException">A part has no value.</exception>
    public static Dictionary<string, string> Parse(IEnumerable<string> values)
    {
        var options = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var value in values)
        {
            foreach (var part in CommaText.Split(value).Where(part => part.Length > 0))
            {
                var pair = part.Split('=', 2);
                options[pair[0]] = pair.Length == 2
                    ? pair[1]
                    : throw new CliException(ExitCode.Usage, $"-o {value}: '{pair[0]}' has no value; expected name=value,name=value");
            }
        }

        return options;
    }
}
