namespace Eider.RiscV.Memory;

/// <summary>What an access is for; decides permissions and which fault it raises.</summary>
internal enum AccessKind
{
    Fetch,
    Load,
    Store,
}
