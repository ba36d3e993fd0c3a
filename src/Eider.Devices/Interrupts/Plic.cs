using System.Buffers.Binary;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;

namespace Eider.Devices.Interrupts;

/// <summary>
/// The platform-level interrupt controller as SiFive builds it (RISC-V PLIC Specification 1.0.0): up to 95
/// level-triggered sources, seven priorities, two contexts a hart: 2 h drives the machine external interrupt of
/// hart h, 2 h + 1 its supervisor one. Registers are 32 bits wide; reserved ones read 0.
/// </summary>
public sealed class Plic : IDeviceIo
{
    /// <summary>Size of the register range in bytes: 16 contexts and room above them.</summary>
    public const ulong SizeBytes = 0x60_0000;

    /// <summary>Highest source number there can be.</summary>
    public const int MaxSources = PlicCore.MaxSources;

    private readonly Lock _gate = new();
    private readonly PlicCore _core;
    private readonly InterruptOutput[] _outputs;
    private readonly Source[] _sources;

    /// <summary>A controller for some harts.</summary>
    /// <param name="harts">Their pins, by hart id; 1 to 8.</param>
    /// <param name="sourceCount">Highest source number, 1 to <see cref="MaxSources"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">No hart or more than 8, or a number of sources that is not from 1 to <see cref="MaxSources"/>.</exception>
    public Plic(IReadOnlyList<HartPins> harts, int sourceCount = MaxSources)
    {
        ArgumentNullException.ThrowIfNull(harts);
        ArgumentOutOfRangeException.ThrowIfZero(harts.Count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(harts.Count, PlicCore.MaxContexts / 2);
        ArgumentOutOfRangeException.ThrowIfLessThan(sourceCount, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(sourceCount, MaxSources);
        _core = new PlicCore(sourceCount, harts.Count * 2);
        _outputs =
        [
            .. harts.SelectMany(pins => new[]
            {
                new InterruptOutput(new HartPinLine(pins, HartPin.Meip)),
                new InterruptOutput(new HartPinLine(pins, HartPin.Seip)),
            }),
        ];
        _sources = [.. Enumerable.Range(1, sourceCount).Select(number => new Source(this, number))];
    }

    /// <summary>The wire of a source; one device drives it.</summary>
    /// <param name="source">1 to the highest source number.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such source.</exception>
    public IInterruptLine GetLine(int source)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(source, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(source, _sources.Length);
        return _sources[source - 1];
    }

    /// <summary>Back to power-on: nothing enabled, all priorities 0. Wires keep their levels.</summary>
    public void Reset()
    {
        uint changed;
        lock (_gate)
        {
            _core.Reset();
            changed = ComputeOutputs();
        }

        DriveOutputs(changed);
    }

    /// <inheritdoc/>
    public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data)
    {
        var status = Check(offset.Value, data.Length);
        if (status != BusStatus.Ok)
        {
            return status;
        }

        uint value;
        uint changed;
        lock (_gate)
        {
            value = _core.Read((uint)offset.Value);
            changed = ComputeOutputs();
        }

        BinaryPrimitives.WriteUInt32LittleEndian(data, value);
        DriveOutputs(changed);
        return BusStatus.Ok;
    }

    /// <inheritdoc/>
    public BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data)
    {
        var status = Check(offset.Value, data.Length);
        if (status != BusStatus.Ok)
        {
            return status;
        }

        uint changed;
        lock (_gate)
        {
            _core.Write((uint)offset.Value, BinaryPrimitives.ReadUInt32LittleEndian(data));
            changed = ComputeOutputs();
        }

        DriveOutputs(changed);
        return BusStatus.Ok;
    }

    private static BusStatus Check(ulong offset, int length) =>
        length != 4 ? BusStatus.InvalidSize
        : offset % 4 != 0 ? BusStatus.Unaligned
        : offset >= SizeBytes ? BusStatus.InvalidRegister
        : BusStatus.Ok;

    private void SetLevel(int source, bool level)
    {
        uint changed;
        lock (_gate)
        {
            _core.SetLevel(source, level);
            changed = ComputeOutputs();
        }

        DriveOutputs(changed);
    }

    // Returns the contexts whose level moved, one bit each.
    private uint ComputeOutputs()
    {
        var changed = 0U;
        for (var context = 0; context < _outputs.Length; context++)
        {
            if (_outputs[context].Compute(_core.IsAsserted(context)))
            {
                changed |= 1U << context;
            }
        }

        return changed;
    }

    private void DriveOutputs(uint changed)
    {
        for (var context = 0; changed != 0; context++, changed >>= 1)
        {
            if ((changed & 1) != 0)
            {
                _outputs[context].Drive();
            }
        }
    }

    private sealed class Source(Plic plic, int number) : IInterruptLine
    {
        public void SetLevel(bool level) => plic.SetLevel(number, level);
    }
}
