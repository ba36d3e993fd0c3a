namespace Eider.Storage.Backends.Nbd;

/// <summary>What a server said of a disk.</summary>
/// <param name="SizeBytes">Its size.</param>
/// <param name="Flags">What it can do.</param>
/// <param name="MaxPayloadBytes">The longest read and write.</param>
/// <param name="AllocationContext">The number of the context that tells what is allocated; null if there is none.</param>
internal sealed record NbdExport(long SizeBytes, ushort Flags, int MaxPayloadBytes, uint? AllocationContext)
{
    public bool Can(ushort flag) => (Flags & flag) != 0;
}
