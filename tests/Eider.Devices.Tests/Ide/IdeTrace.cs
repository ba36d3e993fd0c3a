using System.Globalization;

namespace Eider.Devices.Tests.Ide;

/// <summary>What a script has seen, in order.</summary>
internal sealed class IdeTrace
{
    private readonly List<(string Label, string Value)> _notes = [];

    public void Note(string label, string value) => _notes.Add((label, value));

    public void Note(string label, int value) => Note(label, value.ToString("x2", CultureInfo.InvariantCulture));

    /// <summary>Where this trace differs, as <c>label: theirs, ours</c>; both are of one script.</summary>
    public List<string> DifferencesFrom(IdeTrace theirs)
    {
        Assert.Equal(theirs._notes.Select(note => note.Label), _notes.Select(note => note.Label));
        return [.. _notes.Zip(theirs._notes).Where(pair => pair.First.Value != pair.Second.Value)
            .Select(pair => $"{pair.First.Label}: {pair.Second.Value}, {pair.First.Value}")];
    }
}
