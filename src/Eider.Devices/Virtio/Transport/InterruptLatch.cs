using Eider.Hardware.Interrupts;

namespace Eider.Devices.Virtio.Transport;

/// <summary>
/// InterruptStatus (ISR status over PCI) and the wire that shows it: high while any bit is set. Bits change without a lock; the wire is
/// driven by one thread at a time, which looks again for whoever came meanwhile, so that the last level driven is
/// that of the last change.
/// </summary>
internal sealed class InterruptLatch(IInterruptLine line)
{
    /// <summary>Used buffer notification (section 4.2.2, InterruptStatus).</summary>
    public const int UsedBuffer = 1;

    /// <summary>Configuration change notification.</summary>
    public const int ConfigurationChange = 2;

    private int _status;
    private int _changes;

    /// <summary>The register.</summary>
    public int Status => Volatile.Read(ref _status);

    /// <summary>Sets bits; <see cref="Drive"/> must follow, with no lock held.</summary>
    public void Set(int bits) => Interlocked.Or(ref _status, bits);

    /// <summary>Clears bits; <see cref="Drive"/> must follow, with no lock held.</summary>
    public void Clear(int bits) => Interlocked.And(ref _status, ~bits);

    /// <summary>Takes all bits and clears them at once; <see cref="Drive"/> must follow, with no lock held.</summary>
    public int Take() => Interlocked.Exchange(ref _status, 0);

    /// <summary>Makes the wire show the register.</summary>
    public void Drive()
    {
        if (Interlocked.Increment(ref _changes) != 1)
        {
            return; // whoever drives sees the count and looks again
        }

        int seen;
        do
        {
            seen = Volatile.Read(ref _changes);
            line.SetLevel(Status != 0);
        }
        while (Interlocked.Add(ref _changes, -seen) != 0);
    }
}
