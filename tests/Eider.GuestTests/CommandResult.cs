namespace Eider.GuestTests;

/// <summary>What a run of the command gave.</summary>
internal sealed record CommandResult(int Code, string Output, string Errors);
