namespace Eider.Devices.Ide;

/// <summary>The end of a job.</summary>
/// <param name="Outcome">How it ended.</param>
/// <param name="MovedBytes">What the bus master moved.</param>
/// <param name="TableEnded">True if the bus master's table has nothing left.</param>
internal readonly record struct IdeJobResult(IdeJobOutcome Outcome, int MovedBytes = 0, bool TableEnded = false);
