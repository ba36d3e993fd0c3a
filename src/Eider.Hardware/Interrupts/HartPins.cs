namespace Eider.Hardware.Interrupts;

/// <summary>
/// The seam between interrupt controllers and one hart: the levels of its input pins. Controllers drive
/// levels from any thread; the engine reads all of them with one volatile read and is woken by
/// <see cref="Changed"/>.
/// </summary>
public sealed class HartPins
{
    private int _levels;

    /// <summary>Called, on the thread that drove the pin, whenever a level changed. Must not block or throw.</summary>
    public Action? Changed { get; set; }

    /// <summary>The asserted pins, one bit each as in <c>mip</c>.</summary>
    public uint Levels => unchecked((uint)Volatile.Read(ref _levels));

    /// <summary>Drives one pin.</summary>
    public void Set(HartPin pin, bool level)
    {
        var bit = 1 << (int)pin;
        var before = level ? Interlocked.Or(ref _levels, bit) : Interlocked.And(ref _levels, ~bit);
        if ((before & bit) != 0 != level)
        {
            Changed?.Invoke();
        }
    }
}
