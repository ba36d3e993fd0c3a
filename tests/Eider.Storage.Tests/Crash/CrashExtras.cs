namespace Eider.Storage.Tests.Crash;

/// <summary>What is done to an image, or what belongs to it, besides plain reads and writes.</summary>
[Flags]
internal enum CrashExtras
{
    None = 0,
    Snapshots = 1,
    Compress = 1 << 1,
    Resize = 1 << 2,
    Compact = 1 << 3,
    Empty = 1 << 4,
    Commit = 1 << 5,
    Rebase = 1 << 6,
    Amend = 1 << 7,
    Reopen = 1 << 8,
    Preallocate = 1 << 9,
    TwoAtOnce = 1 << 10,
    Backing = 1 << 11,
    DataFile = 1 << 12,
    Bitmaps = 1 << 13,
}
