namespace Eider.Storage.Formats.Qcow2;

/// <summary>A run of the disk whose clusters are of one kind and, for data, lie one behind the other.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="HostOffset">
/// Where its first byte lies: of data in the file with the data; of zeroes the space set aside, or -1 if there is none.
/// </param>
/// <param name="LengthBytes">How long it is.</param>
/// <param name="IsCopied">True if all of it may be written in place.</param>
/// <param name="Descriptor">The descriptor of a compressed cluster; else 0.</param>
internal readonly record struct MappedRun(
    MappingKind Kind, long HostOffset, long LengthBytes, bool IsCopied, ulong Descriptor);
