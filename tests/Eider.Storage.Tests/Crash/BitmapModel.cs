namespace Eider.Storage.Tests.Crash;

/// <summary>A bitmap from its beginning, or from when it was cleared, on.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Tags">What the disk had then, durably.</param>
/// <param name="BeginTick">When that began.</param>
internal sealed record BitmapModel(string Name, uint[] Tags, int BeginTick)
{
    /// <summary>When it was surely gone, or cleared again.</summary>
    public int EndTick { get; set; } = int.MaxValue;
}
