using System.Globalization;

namespace Eider.Storage.Formats.Qcow2.Checking;

/// <summary>Collects findings, and counts those that are too many to keep.</summary>
internal sealed class FindingList
{
    private readonly List<Qcow2Finding> _findings = [];

    public IReadOnlyList<Qcow2Finding> Findings => _findings;

    public long Leaks { get; private set; }

    public long Corruptions { get; private set; }

    /// <summary>Contradictions that no repair mends.</summary>
    public long Unrepairable { get; private set; }

    public void Leak(long offset, FormattableString text) => Add(new Qcow2Finding(Qcow2FindingKind.Leak, offset, Text(text), true));

    public void Corruption(long offset, FormattableString text, bool isRepairable = true) =>
        Add(new Qcow2Finding(Qcow2FindingKind.Corruption, offset, Text(text), isRepairable));

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private void Add(Qcow2Finding finding)
    {
        if (finding.Kind == Qcow2FindingKind.Leak)
        {
            Leaks++;
        }
        else
        {
            Corruptions++;
            Unrepairable += finding.IsRepairable ? 0 : 1;
        }

        if (_findings.Count < Qcow2CheckResult.MaxFindings)
        {
            _findings.Add(finding);
        }
    }
}
