namespace Eider.Storage.Tests.Crash;

/// <summary>An internal snapshot: what it has, and when it came and went.</summary>
internal sealed record SnapshotModel(string Name, uint[] Tags, int Begin)
{
    /// <summary>When it surely was there.</summary>
    public int End { get; set; } = int.MaxValue;

    /// <summary>When its removal began.</summary>
    public int DeleteBegin { get; set; } = int.MaxValue;

    /// <summary>When it surely was gone.</summary>
    public int DeleteEnd { get; set; } = int.MaxValue;
}
