using Eider.Hardware.Interrupts;

namespace Eider.Devices.Interrupts;

/// <summary>
/// Carries a level from a device's state to its line without holding the device's lock while the line is
/// driven. Two threads that compute different levels at once may drive them in either order; each looks again
/// afterwards, so that the line always ends on the level that was computed last.
/// </summary>
/// <param name="line">The line to drive.</param>
public sealed class InterruptOutput(IInterruptLine line)
{
    private bool _level;

    /// <summary>The level computed last.</summary>
    public bool Level => Volatile.Read(ref _level);

    /// <summary>Notes the level; called with the device's lock held.</summary>
    /// <returns>True if it differs from the one before, so that <see cref="Drive"/> has something to do.</returns>
    public bool Compute(bool level)
    {
        var changed = _level != level;
        Volatile.Write(ref _level, level);
        return changed;
    }

    /// <summary>Brings the line to the level computed last; called without any lock.</summary>
    public void Drive()
    {
        bool level;
        do
        {
            level = Volatile.Read(ref _level);
            line.SetLevel(level);
            Interlocked.MemoryBarrier();
        }
        while (level != Volatile.Read(ref _level));
    }
}
