using System.Buffers.Binary;
using Eider.Devices.SimpleVirtio;
using Eider.Hardware.Bus;
using Eider.Hardware.Time;
using Eider.Testing.Fuzzing;
using Eider.Testing.Fuzzing.Virtio;

namespace Eider.Fuzz.Tests.Targets;

/// <summary>
/// Simple VirtIO Block: the driver's sequence with steps left out, doubled and spoiled, rings at the edges of RAM, entries right and wrong, doorbells
/// of two harts at once, resets in between, a storage that answers late or fails. Completed: the storage did an operation, and the tail told of it.
/// </summary>
public sealed class SvirtbTarget : FuzzTarget
{
    private const int DiskBytes = 1074;
    private const int MaxWorkerRuns = 5000;
    private const ulong Ring = FuzzGuest.RamBase;
    private const int RingBytes = 0x2000;
    private const ulong Buffers = FuzzGuest.RamBase + RingBytes;

    private readonly FuzzGuest _guest = new();
    private readonly SvirtbFuzzMemory _memory;
    private readonly ManualExecutor _workers = new();
    private readonly FuzzStorage _storage = new(DiskBytes);
    private readonly SimpleVirtioBlock _device;
    private readonly List<PendingAccess> _waiting = [];
    private uint _ringSize;
    private uint _head;

    /// <summary>A device.</summary>
    public SvirtbTarget()
    {
        _memory = new SvirtbFuzzMemory(_guest.Ram);
        _device = new SimpleVirtioBlock(new SvirtbDisk { Storage = _storage }, _memory, _workers);
    }

    /// <inheritdoc/>
    public override string Name => "svirtb";

    /// <inheritdoc/>
    public override bool IsDevice => true;

    private SvirtbStatus Status => (SvirtbStatus)Read(SvirtbRegister.Status);

    /// <inheritdoc/>
    public override bool Run(FuzzInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        Begin();
        Start(input);
        var isTold = false;
        for (var steps = 2 + input.Below(10); steps > 0; steps--)
        {
            Step(input);
            isTold |= Read(SvirtbRegister.QueueTail) != 0;
        }

        Settle();
        isTold |= Read(SvirtbRegister.QueueTail) != 0;
        input.Saw(StateOf(Status));
        input.Saw(_storage.Done > 0 ? "done" : "nothing done");
        var completed = isTold && _storage.Done > 0;
        End();
        if (input.OneIn(8))
        {
            CheckUsable();
        }

        return completed;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            DeviceEnd.Close(_device, Settle);

            _guest.Dispose();
        }

        base.Dispose(disposing);
    }

    private static string StateOf(SvirtbStatus status) => status switch
    {
        SvirtbStatus.Magic => "magic",
        SvirtbStatus.DriverOk => "driver ok",
        SvirtbStatus.Ready => "ready",
        SvirtbStatus.Reset => "reset",
        _ => throw new FuzzException($"the status is {(uint)status}"),
    };

    private void Begin()
    {
        _storage.Begin();
        Write(SvirtbRegister.Status, (uint)SvirtbStatus.Reset);
        Settle();
        _guest.Clear();
        _memory.Forget();
        (_ringSize, _head) = (0, 0);
    }

    private void Start(FuzzInput input)
    {
        _ringSize = input.OneIn(8) ? unchecked((uint)input.Edge(RingBytes / 32)) : (uint)(2 + input.Below(16));
        var address = input.OneIn(16) ? FuzzGuest.EdgeAddress(input) : Ring;
        if (!input.OneIn(16))
        {
            Write(SvirtbRegister.Status, (uint)SvirtbStatus.DriverOk);
        }

        Write(SvirtbRegister.QueueAddrHi, (uint)(address >> 32));
        Write(SvirtbRegister.QueueAddrLo, (uint)(address & uint.MaxValue));
        Write(SvirtbRegister.QueueSize, _ringSize);
        Write(SvirtbRegister.Status, (uint)SvirtbStatus.Ready);
    }

    private void Step(FuzzInput input)
    {
        switch (input.Below(12))
        {
            case < 6:
                Batch(input);
                break;
            case 6:
                Write((SvirtbRegister)(4 * input.Below(7)), input.OneIn(2) ? (uint)input.Below(4) : input.FourBytes());
                break;
            case 7:
                WriteBytes(input);
                break;
            case 8:
                HostStep(input);
                break;
            case 9 when input.OneIn(3):
                Write(SvirtbRegister.Status, (uint)SvirtbStatus.Reset);
                Start(input);
                break;
            default:
                RunWorkers();
                break;
        }
    }

    private void Batch(FuzzInput input)
    {
        for (var count = 1 + input.Below(4); count > 0; count--)
        {
            Fill(input, _head);
            _head = _ringSize == 0 ? 0 : (_head + 1) % _ringSize;
        }

        Write(SvirtbRegister.QueueHead, input.OneIn(16) ? unchecked((uint)input.Edge(_ringSize)) : _head);
        if (!input.OneIn(3))
        {
            RunWorkers();
        }
    }

    private void Fill(FuzzInput input, uint index)
    {
        if (index >= RingBytes / 32)
        {
            return;
        }

        var entry = _guest.At(Ring + (32 * index), 28);
        BinaryPrimitives.WriteUInt64LittleEndian(entry, input.OneIn(16) ? FuzzGuest.EdgeAddress(input) : Buffers + (ulong)input.Below(0x4000));
        BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], input.OneIn(8) ? input.Edge(0x8000) : 512);
        BinaryPrimitives.WriteUInt64LittleEndian(entry[16..], input.OneIn(16) ? input.Edge(1UL << 55) : (ulong)input.Below(4));
        BinaryPrimitives.WriteUInt32LittleEndian(entry[24..], input.OneIn(24) ? input.FourBytes() : (uint)input.Below(2));
    }

    // Any width at any place.
    private void WriteBytes(FuzzInput input)
    {
        Span<byte> data = stackalloc byte[8];
        input.Fill(data);
        var offset = input.OneIn(4) ? input.Below((int)SvirtbLimits.WindowBytes - 8) : input.Below(32);
        data = data[..(1 + input.Below(8))];
        Keep(_device.Write(0, (ulong)offset, data).Pending);
        _device.Read(0, (ulong)offset, data);
    }

    private void HostStep(FuzzInput input)
    {
        switch (input.Below(4))
        {
            case 0:
                _storage.LetGo();
                break;
            case 1:
                _storage.Holds = !_storage.Holds;
                break;
            case 2:
                _storage.IgnoresCancellation = !_storage.IgnoresCancellation;
                break;
            default:
                _storage.Fails = !_storage.Fails;
                break;
        }
    }

    private void Write(SvirtbRegister register, uint value)
    {
        Span<byte> data = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(data, value);
        Keep(_device.Write(0, (ulong)register, data).Pending);
    }

    private void Keep(PendingAccess? pending)
    {
        if (pending is not null)
        {
            _waiting.Add(pending);
        }
    }

    private uint Read(SvirtbRegister register)
    {
        Span<byte> data = stackalloc byte[4];
        _device.Read(0, (ulong)register, data);
        return BinaryPrimitives.ReadUInt32LittleEndian(data);
    }

    private void RunWorkers() =>
        FuzzException.Unless(_workers.RunPending(MaxWorkerRuns) < MaxWorkerRuns, "the worker never comes to rest");

    private void Settle()
    {
        RunWorkers();
        for (var rounds = 0; _storage.LetGo(); rounds++)
        {
            FuzzException.Unless(rounds < MaxWorkerRuns, "the storage never comes to rest");
            RunWorkers();
        }

        foreach (var pending in _waiting)
        {
            FuzzException.Unless(pending.IsCompleted, "a hart waits for ever");
            pending.TakeValue();
        }

        _waiting.Clear();
    }

    private void End()
    {
        FuzzException.Unless(_memory.Violation is null, _memory.Violation ?? "");
        Write(SvirtbRegister.Status, (uint)SvirtbStatus.Reset);
        Settle();
        _memory.Forget(); // nothing may be written from here on
        Settle();
        FuzzException.Unless(_memory.Violation is null, $"after a reset it {_memory.Violation}");
        FuzzException.Unless(
            Status == SvirtbStatus.Magic && Read(SvirtbRegister.QueueHead) == 0 && Read(SvirtbRegister.QueueTail) == 0,
            "after a reset it is not as at the start");
    }

    /// <summary>After whatever came before, a plain read of the first sector works.</summary>
    private void CheckUsable()
    {
        Begin();
        Write(SvirtbRegister.Status, (uint)SvirtbStatus.DriverOk);
        Write(SvirtbRegister.QueueAddrLo, (uint)Ring);
        Write(SvirtbRegister.QueueSize, 8);
        Write(SvirtbRegister.Status, (uint)SvirtbStatus.Ready);
        BinaryPrimitives.WriteUInt64LittleEndian(_guest.At(Ring, 8), Buffers);
        BinaryPrimitives.WriteUInt64LittleEndian(_guest.At(Ring + 8, 8), 512);
        Write(SvirtbRegister.QueueHead, 1);
        Settle();
        FuzzException.Unless(
            Status == SvirtbStatus.Ready && Read(SvirtbRegister.QueueTail) == 1 && _storage.Done == 1, "after a reset a plain read does not work");
    }
}
