namespace Eider.Storage.Formats;

/// <summary>An option of a format, for parsing and for help.</summary>
/// <param name="Name">What users call it, such as <c>cluster_size</c>.</param>
/// <param name="Expected">What a value looks like.</param>
/// <param name="Help">What it does, in one line.</param>
public sealed record ImageCreateOption(string Name, string Expected, string Help);
