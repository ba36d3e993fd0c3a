namespace Eider.Devices.Virtio.Console;

/// <summary>
/// Control messages that a port still has to send, in the order in which they go out. A set, not a list: however
/// often a guest asks, a port owes at most one of each.
/// </summary>
[Flags]
internal enum ConsolePortSignals
{
    None = 0,
    Remove = 1,
    Add = 2,
    Console = 4,
    Name = 8,
    Close = 16,
    Open = 32,
    Resize = 64,
}
