namespace Eider.Devices.Tests.Virtio.Hostile;

/// <summary>The rings that a scenario runs on.</summary>
[Flags]
internal enum Rings
{
    Split = 1,
    Packed = 2,
    Both = Split | Packed,
}

/// <summary>
/// One thing that a hostile guest does, with its verdict: what the status is then, which interrupts came, exactly
/// which bytes of guest memory were written, and that a plain reset makes the device usable.
/// </summary>
/// <param name="Family">What is attacked.</param>
/// <param name="Name">What the guest does.</param>
/// <param name="On">The rings that it runs on; it counts once all the same.</param>
/// <param name="Run">Does it on a device with these ring features, and asserts the verdict.</param>
internal sealed record HostileScenario(string Family, string Name, Rings On, Func<ulong, Task> Run)
{
    /// <summary>Name in the list of tests.</summary>
    public string Title => $"{Family}: {Name}";
}
