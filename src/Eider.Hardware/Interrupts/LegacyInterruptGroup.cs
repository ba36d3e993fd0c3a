namespace Eider.Hardware.Interrupts;

/// <summary>The one wire of a device that has no message-signalled interrupts, or does not use them.</summary>
public sealed class LegacyInterruptGroup : InterruptGroup, IInterruptLine
{
    private readonly Lock _drive = new();
    private readonly IInterruptLine _line;
    private bool _level; // what the device wants; guarded by _drive
    private bool _driven; // what the wire has; guarded by _drive

    internal LegacyInterruptGroup(uint irq, IInterruptLine line)
        : base(InterruptSourceType.Legacy, irq, 1) => _line = line;

    /// <summary>Drives the wire, as far as the group is enabled and not masked; until it is, the level is kept.</summary>
    /// <remarks>For devices that compute a level; those that only know events call <see cref="InterruptGroup.Trigger"/>.</remarks>
    public void SetLevel(bool level)
    {
        lock (_drive)
        {
            _level = level;
            Drive();
        }
    }

    private protected override void Signal(uint index, in MsiMessage message)
    {
        lock (_drive)
        {
            // A wire that is high already says what there is to say.
            if (!_driven)
            {
                _line.SetLevel(true);
                _line.SetLevel(false);
            }
        }
    }

    private protected override void OnChanged()
    {
        lock (_drive)
        {
            Drive();
        }
    }

    // The wire's own lock keeps levels in the order in which they were computed; nothing else is under it.
    private void Drive()
    {
        var wanted = _level && IsEnabled && !IsMasked(0);
        if (wanted != _driven)
        {
            _driven = wanted;
            _line.SetLevel(wanted);
        }
    }
}
