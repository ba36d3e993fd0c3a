namespace Eider.Storage.Layers;

/// <summary>A partition.</summary>
/// <param name="Number">Its number as Linux counts.</param>
/// <param name="OffsetBytes">Where it starts.</param>
/// <param name="LengthBytes">How long it is.</param>
/// <param name="Type">Its type: two hexadecimal digits (MBR) or a GUID (GPT).</param>
/// <param name="Name">Its name in a GPT; empty in an MBR.</param>
public sealed record DiskPartition(int Number, long OffsetBytes, long LengthBytes, string Type, string Name);
