namespace Eider.Storage.Formats.Qcow2.Checking;

/// <summary>One thing that is wrong with an image.</summary>
/// <param name="Kind">How bad it is.</param>
/// <param name="OffsetBytes">Where in the file.</param>
/// <param name="Text">What was found and what was expected, in one line.</param>
/// <param name="IsRepairable">True if a repair mends it without losing data.</param>
public sealed record Qcow2Finding(Qcow2FindingKind Kind, long OffsetBytes, string Text, bool IsRepairable);
