using Eider.Hardware.Bus;
using Eider.Hardware.Resources;

namespace Eider.Testing.Hardware;

/// <summary>
/// A device on both buses that remembers every access. Each byte of a read is <see cref="Seed"/> plus its offset,
/// so that a test can see which device answered, and where.
/// </summary>
/// <param name="resources">What it claims to be assigned.</param>
public sealed class FakeDevice(params Resource[] resources) : IDeviceIo
{
    private readonly Lock _gate = new();
    private readonly List<FakeAccess> _accesses = [];

    /// <inheritdoc/>
    public DeviceResources AssignedResources { get; } = new(resources);

    /// <summary>Start value of what it reads as.</summary>
    public byte Seed { get; set; }

    /// <summary>False to remember nothing, for long runs and for measurements.</summary>
    public bool IsRecording { get; set; } = true;

    /// <summary>Called inside each access: blocks, throws, changes the bus, and says how the access ends. Ok if null.</summary>
    public Func<FakeAccess, BusResult>? OnAccess { get; set; }

    /// <summary>What it saw so far, in order.</summary>
    public IReadOnlyList<FakeAccess> Accesses
    {
        get
        {
            lock (_gate)
            {
                return [.. _accesses];
            }
        }
    }

    /// <inheritdoc/>
    public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data) =>
        Answer(IoSpace.Mmio, rangeBase.Value, offset.Value, data);

    /// <inheritdoc/>
    public BusResult Write(IoAddress rangeBase, IoAddress offset, ReadOnlySpan<byte> data) =>
        Take(IoSpace.Mmio, rangeBase.Value, offset.Value, data);

    /// <inheritdoc/>
    public BusResult PioRead(PioAddress rangeBase, PioAddress offset, Span<byte> data) =>
        Answer(IoSpace.Pio, rangeBase.Value, offset.Value, data);

    /// <inheritdoc/>
    public BusResult PioWrite(PioAddress rangeBase, PioAddress offset, ReadOnlySpan<byte> data) =>
        Take(IoSpace.Pio, rangeBase.Value, offset.Value, data);

    private BusResult Answer(IoSpace space, ulong rangeBase, ulong offset, Span<byte> data)
    {
        for (var i = 0; i < data.Length; i++)
        {
            data[i] = unchecked((byte)(Seed + offset + (ulong)i));
        }

        return Record(new FakeAccess(space, IoDirection.Read, rangeBase, offset, data.Length, 0));
    }

    private BusResult Take(IoSpace space, ulong rangeBase, ulong offset, ReadOnlySpan<byte> data)
    {
        var value = 0UL;
        for (var i = data.Length - 1; i >= 0; i--)
        {
            value = (value << 8) | data[i];
        }

        return Record(new FakeAccess(space, IoDirection.Write, rangeBase, offset, data.Length, value));
    }

    private BusResult Record(FakeAccess access)
    {
        if (IsRecording)
        {
            lock (_gate)
            {
                _accesses.Add(access);
            }
        }

        return OnAccess?.Invoke(access) ?? BusResult.Ok;
    }
}
