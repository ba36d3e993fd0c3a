namespace Eider.Hardware.Interrupts;

/// <summary>
/// Consecutive interrupts of one kind that belong to one device. Triggering is callable from any thread, also
/// while the group is reconfigured; a disabled group signals nothing.
/// </summary>
/// <remarks>
/// A masked interrupt that is triggered becomes pending, and is signalled once when the mask goes (PCI Local Bus
/// 3.0, sections 6.8.1.7 and 6.8.3.5). Disabling forgets what is pending.
/// </remarks>
public abstract class InterruptGroup
{
    private readonly Lock _gate = new();
    private readonly State[] _states;
    private bool _isEnabled;

    private protected InterruptGroup(InterruptSourceType type, uint @base, uint count)
    {
        Type = type;
        Base = @base;
        _states = new State[count];
    }

    /// <summary>What kind they are.</summary>
    public InterruptSourceType Type { get; }

    /// <summary>Number of the first one.</summary>
    public uint Base { get; }

    /// <summary>How many there are.</summary>
    public uint Count => (uint)_states.Length;

    /// <summary>True between <see cref="Enable"/> and <see cref="Disable"/>.</summary>
    public bool IsEnabled
    {
        get
        {
            lock (_gate)
            {
                return _isEnabled;
            }
        }
    }

    /// <summary>Lets interrupts through, with a message each; a wire has none, and takes an empty list.</summary>
    /// <exception cref="ArgumentException">Not one message for each interrupt.</exception>
    public void Enable(params ReadOnlySpan<MsiMessage> messages)
    {
        var needed = Type == InterruptSourceType.Legacy ? 0 : _states.Length;
        if (messages.Length != needed)
        {
            throw new ArgumentException($"{needed} messages are needed, {messages.Length} were given", nameof(messages));
        }

        lock (_gate)
        {
            for (var i = 0; i < needed; i++)
            {
                _states[i].Message = messages[i];
            }

            _isEnabled = true;
        }

        OnChanged();
    }

    /// <summary>Lets no interrupt through any more: the wire is low, what is pending is forgotten.</summary>
    public void Disable()
    {
        lock (_gate)
        {
            _isEnabled = false;
            for (var i = 0; i < _states.Length; i++)
            {
                _states[i].IsPending = false;
            }
        }

        OnChanged();
    }

    /// <summary>Replaces the message of one interrupt.</summary>
    /// <exception cref="InvalidOperationException">A wire has no message, or the group is disabled.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such interrupt.</exception>
    public void Update(uint index, in MsiMessage message)
    {
        Check(index);
        lock (_gate)
        {
            if (!_isEnabled || Type == InterruptSourceType.Legacy)
            {
                throw new InvalidOperationException("only an enabled message-signalled interrupt has a message to update");
            }

            _states[index].Message = message;
        }
    }

    /// <summary>Signals an interrupt once; a wire is raised and lowered again, which an interrupt controller latches.</summary>
    /// <returns>False if it was not signalled: disabled, or masked and pending now.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such interrupt.</exception>
    public bool Trigger(uint index)
    {
        Check(index);
        MsiMessage message;
        lock (_gate)
        {
            ref var state = ref _states[index];
            if (!_isEnabled || state.IsMasked)
            {
                state.IsPending |= _isEnabled;
                return false;
            }

            message = state.Message;
        }

        // Outside of the lock: a controller may do anything, also come back here.
        Signal(index, message);
        return true;
    }

    /// <summary>Holds an interrupt back.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such interrupt.</exception>
    public void Mask(uint index)
    {
        Check(index);
        lock (_gate)
        {
            _states[index].IsMasked = true;
        }

        OnChanged();
    }

    /// <summary>Lets an interrupt through again, and signals it if it is pending.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such interrupt.</exception>
    public void Unmask(uint index)
    {
        Check(index);
        bool wasPending;
        lock (_gate)
        {
            ref var state = ref _states[index];
            wasPending = state.IsPending;
            state.IsMasked = state.IsPending = false;
        }

        OnChanged();
        if (wasPending)
        {
            Trigger(index);
        }
    }

    /// <summary>True if it is held back.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such interrupt.</exception>
    public bool IsMasked(uint index)
    {
        Check(index);
        lock (_gate)
        {
            return _states[index].IsMasked;
        }
    }

    /// <summary>True if it was triggered while it was masked.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such interrupt.</exception>
    public bool IsPending(uint index)
    {
        Check(index);
        lock (_gate)
        {
            return _states[index].IsPending;
        }
    }

    /// <summary>A call that triggers one interrupt, for workers that need to know nothing else.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such interrupt.</exception>
    public Action GetNotifier(uint index)
    {
        Check(index);
        return () => Trigger(index);
    }

    /// <summary>Hands an interrupt on to its controller. No lock is held.</summary>
    private protected abstract void Signal(uint index, in MsiMessage message);

    /// <summary>After the group was enabled or disabled, or a mask changed. No lock is held.</summary>
    private protected virtual void OnChanged()
    {
    }

    private void Check(uint index) => ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);

    private struct State
    {
        public MsiMessage Message;
        public bool IsMasked;
        public bool IsPending;
    }
}
