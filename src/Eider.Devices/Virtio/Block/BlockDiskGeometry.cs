namespace Eider.Devices.Virtio.Block;

/// <summary>A disk-style geometry for old guests (virtio 1.3, 5.2.4); no request uses it.</summary>
/// <param name="Cylinders">Number of cylinders.</param>
/// <param name="Heads">Heads of a cylinder.</param>
/// <param name="Sectors">Sectors of a track.</param>
public readonly record struct BlockDiskGeometry(ushort Cylinders, byte Heads, byte Sectors);
