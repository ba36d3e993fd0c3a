namespace Eider.Devices.Interrupts;

/// <summary>
/// The registers and the state machine of the PLIC (specification 1.0.0). No lock, no lines: see <see cref="Plic"/>.
/// </summary>
/// <param name="sourceCount">Highest source number.</param>
/// <param name="contextCount">Number of targets.</param>
internal sealed class PlicCore(int sourceCount, int contextCount)
{
    /// <summary>Highest source number that the state has room for.</summary>
    public const int MaxSources = 95;

    /// <summary>Number of targets that the state has room for.</summary>
    public const int MaxContexts = 16;

    // SiFive's PLIC has seven levels above 0, "never interrupt".
    private const uint PriorityMask = 7;
    private const uint EnableStride = 0x80;
    private const uint ContextStride = 0x1000;

    private PlicState _state;

    private UInt128 Existing => ((UInt128.One << (sourceCount + 1)) - 1) & ~UInt128.One;

    public void Reset()
    {
        // The wires are the devices' and keep their levels; a level that is high asks again.
        var level = _state.Level;
        _state = default;
        _state.Level = level;
        _state.Pending = level;
    }

    /// <summary>True if a context's line is to be high: something pending and enabled lies above its threshold.</summary>
    public bool IsAsserted(int context)
    {
        ref readonly var target = ref _state.Context[context];
        return HighestPriority(context) is var source && source != 0 && _state.Priority[source] > target.Threshold;
    }

    public void SetLevel(int source, bool level)
    {
        var bit = UInt128.One << source;
        if (!level)
        {
            _state.Level &= ~bit;
            return;
        }

        _state.Level |= bit;
        Forward(bit);
    }

    public uint Read(uint offset) => Locate(offset, out var index, out var context) switch
    {
        PlicRegister.Priority when index <= sourceCount => _state.Priority[index],
        PlicRegister.Pending => Word(_state.Pending, index),
        PlicRegister.Enable => Word(_state.Context[context].Enabled, index),
        PlicRegister.Threshold => _state.Context[context].Threshold,
        PlicRegister.ClaimComplete => Claim(context),
        _ => 0,
    };

    public void Write(uint offset, uint value)
    {
        switch (Locate(offset, out var index, out var context))
        {
            case PlicRegister.Priority when index >= 1 && index <= sourceCount:
                _state.Priority[index] = (byte)(value & PriorityMask);
                break;
            case PlicRegister.Enable when index * 32 <= sourceCount:
                var mask = (UInt128)uint.MaxValue << (index * 32);
                var bits = (UInt128)value << (index * 32);
                ref var target = ref _state.Context[context];
                target.Enabled = ((target.Enabled & ~mask) | bits) & Existing;
                break;
            case PlicRegister.Threshold:
                _state.Context[context].Threshold = (byte)(value & PriorityMask);
                break;
            case PlicRegister.ClaimComplete:
                Complete(context, value);
                break;
        }
    }

    private PlicRegister? Locate(uint offset, out int index, out int context)
    {
        context = 0;
        if (offset < (uint)PlicRegister.Enable)
        {
            var pending = offset >= (uint)PlicRegister.Pending;
            index = (int)((offset & 0xFFF) / 4);
            return pending ? PlicRegister.Pending : PlicRegister.Priority;
        }

        if (offset < (uint)PlicRegister.Threshold)
        {
            var within = offset - (uint)PlicRegister.Enable;
            context = (int)(within / EnableStride);
            index = (int)(within % EnableStride / 4);
            return context < contextCount ? PlicRegister.Enable : null;
        }

        index = 0;
        context = (int)((offset - (uint)PlicRegister.Threshold) / ContextStride);
        return (context < contextCount ? offset % ContextStride : uint.MaxValue) switch
        {
            0 => PlicRegister.Threshold,
            4 => PlicRegister.ClaimComplete,
            _ => null,
        };
    }

    // The gateway of a level-triggered source: one request until it is completed.
    private void Forward(UInt128 bit)
    {
        if ((_state.Level & ~_state.InService & bit) != 0)
        {
            _state.Pending |= bit;
        }
    }

    // The threshold masks the line only: "the claim operation is not affected by it".
    private uint Claim(int context)
    {
        var source = HighestPriority(context);
        if (source != 0)
        {
            var bit = UInt128.One << source;
            _state.Pending &= ~bit;
            _state.InService |= bit;
        }

        return (uint)source;
    }

    // "If the completion ID does not match an interrupt source that is currently enabled for the target, the
    // completion is silently ignored."
    private void Complete(int context, uint source)
    {
        var bit = source <= (uint)sourceCount ? UInt128.One << (int)source : 0;
        if ((_state.Context[context].Enabled & bit) != 0)
        {
            _state.InService &= ~bit;
            Forward(bit);
        }
    }

    // Highest priority first, lowest number among equals; priority 0 never interrupts.
    private int HighestPriority(int context)
    {
        var candidates = _state.Pending & _state.Context[context].Enabled;
        var best = 0;
        byte bestPriority = 0;
        while (candidates != 0)
        {
            var source = (int)UInt128.TrailingZeroCount(candidates);
            candidates &= candidates - 1;
            if (_state.Priority[source] > bestPriority)
            {
                best = source;
                bestPriority = _state.Priority[source];
            }
        }

        return best;
    }

    private static uint Word(UInt128 bits, int index) =>
        index < 4 ? (uint)((bits >> (index * 32)) & uint.MaxValue) : 0;
}
