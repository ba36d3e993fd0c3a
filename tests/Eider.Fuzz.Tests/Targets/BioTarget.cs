using System.Buffers.Binary;
using Eider.Devices.BlockIo;
using Eider.Hardware.Bus;
using Eider.Hardware.Time;
using Eider.Testing.Fuzzing;
using Eider.Testing.Fuzzing.Virtio;
using Eider.Testing.Hardware;

namespace Eider.Fuzz.Tests.Targets;

/// <summary>
/// Two BIOs, one that interrupts: commands with blocks, counts and addresses at their edges, words too many and too few, harts that command
/// and reset while others wait, registers of any width, a storage that answers late or fails. Completed: the storage did an operation, and STATUS said that the
/// command has ended.
/// </summary>
public sealed class BioTarget : FuzzTarget
{
    private const int Blocks = 70;
    private const uint Sid = 3;
    private const int MaxWords = 300;
    private const int MaxWorkerRuns = 5000;
    private const int MaxWaiting = 64;

    private readonly FuzzGuest _guest = new();
    private readonly BioFuzzMemory _memory;
    private readonly ManualExecutor _workers = new();
    private readonly FakeInterruptLine _line = new();
    private readonly FuzzStorage _storage = new((Blocks * BioLimits.BlockBytes) + 500);
    private readonly BioDevice _quiet;
    private readonly BioDevice _loud;
    private readonly List<PendingAccess> _waiting = [];
    private readonly byte[] _word = new byte[4];
    private readonly byte[] _wide = new byte[8];
    private BioDevice _device;

    /// <summary>The devices.</summary>
    public BioTarget()
    {
        _memory = new BioFuzzMemory(_guest.Ram);
        var services = new BioServices { Memory = _memory, Executor = _workers };
        var options = new BioOptions { Storages = [new BioDisk(Sid, _storage), new BioDisk(4, _storage, blockBytes: 12, isReadOnly: true)] };
        _quiet = new BioDevice(options, services);
        _loud = new BioDevice(options, services, _line);
        _device = _quiet;
    }

    /// <inheritdoc/>
    public override string Name => "bio";

    /// <inheritdoc/>
    public override bool IsDevice => true;

    /// <inheritdoc/>
    public override bool Run(FuzzInput input)
    {
        ArgumentNullException.ThrowIfNull(input);
        _device = input.OneIn(3) ? _loud : _quiet;
        Begin();
        var rises = _line.Rises;
        Command(input);
        for (var steps = input.Below(8); steps > 0; steps--)
        {
            Step(input);
        }

        Settle();
        var status = Status();
        var completed = _storage.Done > 0 && (status & BioStatus.Ready) != 0 && (_device == _quiet || _line.Rises > rises);
        input.Saw(status.ToString());
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
            foreach (var device in new[] { _quiet, _loud })
            {
                DeviceEnd.Close(device, Settle);
            }

            _guest.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Begin()
    {
        _storage.Begin();
        Reset();
        _guest.Clear();
        _memory.Forget();
    }

    private void Step(FuzzInput input)
    {
        switch (input.Below(12))
        {
            case < 4:
                Command(input);
                break;
            case < 6:
                MoveWords(input);
                break;
            case 6:
                Access(input);
                break;
            case 7:
                HostStep(input);
                break;
            case 8 when input.OneIn(2):
                Reset();
                _memory.Forget();
                break;
            case 9:
                FuzzException.Unless((Status() & ~(BioStatus.Ready | BioStatus.Error | BioStatus.Busy)) == 0, "STATUS shows bits that are not its own");
                break;
            default:
                RunWorkers();
                break;
        }
    }

    private void Command(FuzzInput input)
    {
        var address = unchecked((uint)(input.OneIn(8) ? FuzzGuest.EdgeAddress(input) : FuzzGuest.RamBase + (ulong)input.Below(0x8000)));
        var block = unchecked((uint)(input.OneIn(8) ? input.Edge(Blocks) : (ulong)input.Below(Blocks)));
        var count = unchecked((uint)(input.OneIn(8) ? input.Edge(Blocks) : (ulong)(1 + input.Below(3))));
        var isDma = !input.OneIn(3);
        var command = (input.OneIn(3) ? BioStatus.Write : BioStatus.Read) | (isDma ? BioStatus.Dma : 0) | (BioStatus)(input.OneIn(16) ? input.FourBytes() : 0);
        Write(BioRegister.Sid, input.OneIn(8) ? input.FourBytes() : input.OneIn(4) ? Sid + 1 : Sid);
        Write(BioRegister.Block, block);
        Write(BioRegister.Count, count);
        Write(BioRegister.Address, address);

        // DMA stays on from earlier commands, and a larger range harms nobody who asks for less of it.
        _memory.Allow(address, (ulong)count * BioLimits.BlockBytes);
        Write(BioRegister.Status, (uint)command);
        RunWorkers();
        if (!isDma)
        {
            MoveWords(input);
        }
    }

    private void MoveWords(FuzzInput input)
    {
        var isRead = !input.OneIn(3);
        var words = input.OneIn(2) ? 256 : input.Below(MaxWords);
        for (var i = 0; i < words; i++)
        {
            if (isRead)
            {
                Keep(_device.Read(new IoAddress(0), new IoAddress((ulong)BioRegister.Data), _word));
            }
            else
            {
                Write(BioRegister.Data, (uint)i);
            }

            if ((i & 0xFF) == 0xFF)
            {
                RunWorkers();
            }
        }

        RunWorkers();
    }

    private void Access(FuzzInput input)
    {
        var data = _wide.AsSpan(0, 1 + input.Below(8));
        var offset = new IoAddress((ulong)input.Below((int)BioDevice.SizeBytes - data.Length + 1));
        Keep(input.OneIn(2) ? _device.Write(new IoAddress(0), offset, data) : _device.Read(new IoAddress(0), offset, data));
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

    private BioStatus Status()
    {
        Keep(_device.Read(new IoAddress(0), new IoAddress((ulong)BioRegister.Status), _word));
        return (BioStatus)BinaryPrimitives.ReadUInt32LittleEndian(_word);
    }

    private void Write(BioRegister register, uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_word, value);
        Keep(_device.Write(new IoAddress(0), new IoAddress((ulong)register), _word));
    }

    // Each access that waits is a hart of its own; there are no more than so many.
    private void Keep(BusResult result)
    {
        if (result.Pending is { } pending)
        {
            _waiting.Add(pending);
            if (_waiting.Count >= MaxWaiting)
            {
                Settle();
            }
        }

        TakeAnswers();
    }

    private void TakeAnswers()
    {
        for (var i = _waiting.Count - 1; i >= 0; i--)
        {
            if (_waiting[i].IsCompleted)
            {
                _waiting[i].TakeValue();
                _waiting.RemoveAt(i);
            }
        }
    }

    private void Reset()
    {
        Write(BioRegister.Status, (uint)BioStatus.SoftReset);
        Settle();
    }

    private void RunWorkers()
    {
        FuzzException.Unless(_workers.RunPending(MaxWorkerRuns) < MaxWorkerRuns, "the worker never comes to rest");
        TakeAnswers();
    }

    private void Settle()
    {
        RunWorkers();
        for (var rounds = 0; _storage.LetGo(); rounds++)
        {
            FuzzException.Unless(rounds < MaxWorkerRuns, "the storage never comes to rest");
            RunWorkers();
        }

        TakeAnswers();
        FuzzException.Unless(_waiting.Count == 0, "a hart waits for ever");
    }

    private void End()
    {
        FuzzException.Unless(_memory.Violation is null, _memory.Violation ?? "");
        Reset();
        _memory.Forget(); // nothing may be taken from here on
        Settle();
        FuzzException.Unless(_memory.Violation is null, $"after a reset it {_memory.Violation}");
        FuzzException.Unless(_memory.Outstanding == 0, "after a reset memory is lent out");
        FuzzException.Unless(!_line.Level, "the interrupt is high after a reset");
        FuzzException.Unless(Status() == BioStatus.Ready, "after a reset it is not ready");
    }

    /// <summary>After whatever came before, a plain read works.</summary>
    private void CheckUsable()
    {
        Begin();
        Write(BioRegister.Sid, Sid);
        Write(BioRegister.Count, 1);
        Write(BioRegister.Address, (uint)FuzzGuest.RamBase);
        _memory.Allow(FuzzGuest.RamBase, BioLimits.BlockBytes);
        Write(BioRegister.Status, (uint)(BioStatus.Dma | BioStatus.Read));
        Settle();
        FuzzException.Unless(_storage.Done == 1 && Status() == BioStatus.Ready, "after a reset a plain read does not work");
    }
}
