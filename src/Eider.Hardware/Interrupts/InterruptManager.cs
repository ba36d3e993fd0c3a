namespace Eider.Hardware.Interrupts;

/// <summary>
/// Makes groups of interrupts for devices, on the wires and the message controller of one board. A wire belongs to
/// one group at a time unless it is shared; so does a message. Callable from any thread.
/// </summary>
/// <param name="lines">The wire with a number; null if the board has no such wire.</param>
/// <param name="messages">Where messages go; null if the board has no controller for them.</param>
public sealed class InterruptManager(Func<uint, IInterruptLine?> lines, IMsiSink? messages = null)
{
    private readonly Lock _gate = new();
    private readonly List<InterruptGroup> _groups = [];
    private readonly Dictionary<uint, SharedLine> _shared = [];

    /// <summary>The wire that several devices may use at once; null if there is none. The levels of all are or-ed.</summary>
    public uint? SharedIrq { get; init; }

    /// <summary>All groups.</summary>
    public IReadOnlyList<InterruptGroup> Groups
    {
        get
        {
            lock (_gate)
            {
                return [.. _groups];
            }
        }
    }

    /// <summary>Makes a group, disabled and unmasked.</summary>
    /// <param name="type">Kind of interrupts.</param>
    /// <param name="base">Number of the first one, as the resource manager granted it.</param>
    /// <param name="count">How many; a wire is 1.</param>
    /// <exception cref="ArgumentException">
    /// No or too many interrupts, no such wire, no message controller, or another group has one of them.
    /// </exception>
    public InterruptGroup CreateGroup(InterruptSourceType type, uint @base, uint count)
    {
        var isLegacy = type == InterruptSourceType.Legacy;
        if (count == 0 || (isLegacy && count != 1) || count - 1 > uint.MaxValue - @base)
        {
            throw new ArgumentException($"a group of {count} interrupts of type {type} from {@base} on cannot be", nameof(count));
        }

        lock (_gate)
        {
            var isShared = isLegacy && @base == SharedIrq;
            if (!isShared && _groups.Exists(group => Overlaps(group, isLegacy, @base, count)))
            {
                throw new ArgumentException($"interrupt {@base} or one of the {count} from there on is in use", nameof(@base));
            }

            InterruptGroup made = isLegacy
                ? new LegacyInterruptGroup(@base, isShared ? JoinShared(@base) : FindLine(@base))
                : new MsiInterruptGroup(type, @base, count, messages ?? throw new ArgumentException("this board takes no messages", nameof(type)));
            _groups.Add(made);
            return made;
        }
    }

    /// <summary>Disables a group and frees its interrupts for others.</summary>
    /// <exception cref="ArgumentException">The group is not one of this manager, or was destroyed.</exception>
    public void DestroyGroup(InterruptGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        lock (_gate)
        {
            if (!_groups.Remove(group))
            {
                throw new ArgumentException("the group is not of this manager, or was destroyed", nameof(group));
            }
        }

        group.Disable();
    }

    private static bool Overlaps(InterruptGroup group, bool isLegacy, uint first, uint count) =>
        (group.Type == InterruptSourceType.Legacy) == isLegacy
        && first <= group.Base + (group.Count - 1) && group.Base <= first + (count - 1);

    private IInterruptLine FindLine(uint irq) =>
        lines(irq) ?? throw new ArgumentException($"this board has no wire {irq}", nameof(irq));

    private SharedLine.Input JoinShared(uint irq)
    {
        if (!_shared.TryGetValue(irq, out var shared))
        {
            _shared.Add(irq, shared = new SharedLine(FindLine(irq)));
        }

        return shared.Join();
    }

    /// <summary>A wire that is high while any of its inputs is.</summary>
    private sealed class SharedLine(IInterruptLine line)
    {
        private readonly Lock _gate = new();
        private int _high; // guarded by _gate

        public Input Join() => new(this);

        private void Change(int by)
        {
            lock (_gate)
            {
                var before = _high;
                _high += by;
                if ((before == 0) != (_high == 0))
                {
                    line.SetLevel(_high != 0);
                }
            }
        }

        public sealed class Input(SharedLine owner) : IInterruptLine
        {
            private bool _level; // driven by one group, under its lock

            public void SetLevel(bool level)
            {
                if (level != _level)
                {
                    _level = level;
                    owner.Change(level ? 1 : -1);
                }
            }
        }
    }
}
