using System.Buffers.Binary;
using Eider.Devices.BlockIo;
using Eider.Hardware.Bus;
using Eider.Hardware.Memory;
using Eider.Hardware.Time;
using Eider.Testing.Hardware;

namespace Eider.Testing.BlockIo;

/// <summary>
/// A BIO, RAM, and a driver on its registers: everything on the caller's thread, in a fixed order. A hart that is made to wait is a
/// <see cref="PendingAccess"/>.
/// </summary>
public sealed class BioTestBench : IAsyncDisposable
{
    public const uint RamBase = 0x8000_0000;
    public const uint RamBytes = 4 << 20;

    /// <summary>Puts storages behind a BIO.</summary>
    /// <param name="storages">The storages.</param>
    /// <param name="hasInterrupt">True to give it a wire.</param>
    /// <param name="wrap">Puts a memory of the test between the BIO and RAM.</param>
    /// <param name="executor">Where the worker runs; by hand unless given.</param>
    /// <param name="writeBack">True if writes need not be durable.</param>
    public BioTestBench(
        IReadOnlyList<BioStorage> storages, bool hasInterrupt = false, Func<GuestRam, GuestMemory>? wrap = null, IExecutor? executor = null,
        bool writeBack = false)
    {
        Ram = new GuestRam((RamBase, RamBytes));
        Device = new BioDevice(
            new BioOptions { Storages = storages, WriteBack = writeBack, HostFailed = failure => Failures.Add(failure.Message) },
            new BioServices { Memory = wrap?.Invoke(Ram) ?? Ram, Executor = executor ?? Workers },
            hasInterrupt ? Line : null);
    }

    public GuestRam Ram { get; }

    public ManualExecutor Workers { get; } = new();

    public FakeInterruptLine Line { get; } = new();

    public BioDevice Device { get; }

    /// <summary>What the host could not do.</summary>
    public List<string> Failures { get; } = [];

    /// <summary>STATUS, without anything else going on.</summary>
    public BioStatus Status => (BioStatus)Read(BioRegister.Status);

    /// <summary>Writes a register and lets everything happen that takes no time outside.</summary>
    public void Write(BioRegister register, uint value) => Finish(Begin(register, value));

    /// <summary>Writes a register; the workers stay where they are.</summary>
    public BusResult Begin(BioRegister register, uint value)
    {
        Span<byte> data = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(data, value);
        return Device.Write(new IoAddress(0), new IoAddress((ulong)register), data);
    }

    /// <summary>Reads a register and lets everything happen that takes no time outside.</summary>
    public uint Read(BioRegister register)
    {
        var result = BeginRead(register, out var word);
        return result.Pending is null ? word : Finish(result);
    }

    /// <summary>Reads a register; the workers stay where they are.</summary>
    public BusResult BeginRead(BioRegister register, out uint word)
    {
        Span<byte> data = stackalloc byte[4];
        var result = Device.Read(new IoAddress(0), new IoAddress((ulong)register), data);
        word = BinaryPrimitives.ReadUInt32LittleEndian(data);
        return result;
    }

    /// <summary>Selects storage and blocks, and where they go.</summary>
    public void Set(uint sid, uint block, uint count, uint address)
    {
        Write(BioRegister.Sid, sid);
        Write(BioRegister.Block, block);
        Write(BioRegister.Count, count);
        Write(BioRegister.Address, address);
    }

    /// <summary>Resets, as drivers of ducky do before every command, and sets up the next one.</summary>
    public void ResetAndSet(uint sid, uint block, uint count, uint address)
    {
        Write(BioRegister.Status, (uint)BioStatus.SoftReset);
        Set(sid, block, count, address);
    }

    /// <summary>Sends a command and waits for it.</summary>
    public BioStatus Command(BioStatus command)
    {
        Write(BioRegister.Status, (uint)command);
        return Status;
    }

    public byte[] Memory(uint address, int lengthBytes)
    {
        var bytes = new byte[lengthBytes];
        return Ram.TryRead(address, bytes) ? bytes : throw new InvalidOperationException("not RAM");
    }

    public void Fill(uint address, ReadOnlySpan<byte> bytes)
    {
        if (!Ram.TryWrite(address, bytes))
        {
            throw new InvalidOperationException("not RAM");
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        var disposal = Device.DisposeAsync();
        Workers.RunPending();
        await disposal;
        Ram.Dispose();
    }

    private uint Finish(BusResult result)
    {
        Workers.RunPending();
        if (result.Pending is not { } pending)
        {
            return 0;
        }

        return pending.IsCompleted ? unchecked((uint)pending.TakeValue()) : throw new InvalidOperationException("the hart waits for ever");
    }
}
