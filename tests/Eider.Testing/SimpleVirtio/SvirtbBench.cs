using System.Buffers.Binary;
using Eider.Devices.SimpleVirtio;
using Eider.Hardware.Bus;
using Eider.Hardware.Memory;
using Eider.Hardware.Time;
using Eider.Storage;

namespace Eider.Testing.SimpleVirtio;

/// <summary>A Simple VirtIO Block device with RAM, on one thread: registers by name, entries of the ring, workers by hand.</summary>
public sealed class SvirtbBench : IAsyncDisposable
{
    /// <summary>Start of the RAM.</summary>
    public const ulong RamBase = 0x8000_0000;

    /// <summary>Size of the RAM in bytes.</summary>
    public const ulong RamBytes = 4 << 20;

    /// <summary>Where the tests put their ring.</summary>
    public const ulong Ring = RamBase + 0x1000;

    /// <summary>Where the tests put their buffers.</summary>
    public const ulong Buffers = RamBase + 0x20_0000;

    private readonly int _stride;

    /// <summary>A device over a storage.</summary>
    /// <param name="storage">The storage.</param>
    /// <param name="change">Changes the settings.</param>
    /// <param name="wrap">Puts a watched memory in the place of the RAM.</param>
    public SvirtbBench(BlockStorage storage, Func<SvirtbDisk, SvirtbDisk>? change = null, Func<GuestMemory, GuestMemory>? wrap = null)
    {
        var disk = new SvirtbDisk { Storage = storage };
        disk = change?.Invoke(disk) ?? disk;
        _stride = disk.StrideBytes;
        Device = new SimpleVirtioBlock(disk, wrap?.Invoke(Ram) ?? Ram, Workers);
    }

    /// <summary>The RAM.</summary>
    public GuestRam Ram { get; } = new((RamBase, RamBytes));

    /// <summary>The workers.</summary>
    public ManualExecutor Workers { get; } = new();

    /// <summary>The device.</summary>
    public SimpleVirtioBlock Device { get; }

    /// <summary>The status register.</summary>
    public SvirtbStatus Status => (SvirtbStatus)Read(SvirtbRegister.Status);

    /// <summary>The head.</summary>
    public uint Head => Read(SvirtbRegister.QueueHead);

    /// <summary>The tail.</summary>
    public uint Tail => Read(SvirtbRegister.QueueTail);

    /// <summary>Reads a register.</summary>
    public uint Read(SvirtbRegister register)
    {
        Span<byte> data = stackalloc byte[4];
        Device.Read(0, (ulong)register, data);
        return BinaryPrimitives.ReadUInt32LittleEndian(data);
    }

    /// <summary>Writes a register as a hart does, and says what it would wait for; null if it goes on at once.</summary>
    public PendingAccess? Begin(SvirtbRegister register, uint value)
    {
        Span<byte> data = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(data, value);
        return Device.Write(0, (ulong)register, data).Pending;
    }

    /// <summary>Writes a register and runs workers until the hart goes on.</summary>
    public void Write(SvirtbRegister register, uint value)
    {
        var pending = Begin(register, value);
        Workers.RunPending();
        if (pending is not null)
        {
            if (!pending.IsCompleted)
            {
                throw new InvalidOperationException($"the write of {value:x} to {register} does not return");
            }

            pending.TakeValue();
        }
    }

    /// <summary>Writes the status register.</summary>
    public void Write(SvirtbStatus status) => Write(SvirtbRegister.Status, (uint)status);

    /// <summary>Section 3: from MAGIC to READY, with a ring.</summary>
    public void Start(uint queueSize, ulong address = Ring)
    {
        Write(SvirtbStatus.DriverOk);
        Describe(queueSize, address);
        Write(SvirtbStatus.Ready);
    }

    /// <summary>Writes the three registers of the ring, in KeOS's order.</summary>
    public void Describe(uint queueSize, ulong address = Ring)
    {
        Write(SvirtbRegister.QueueAddrHi, (uint)(address >> 32));
        Write(SvirtbRegister.QueueAddrLo, (uint)(address & uint.MaxValue));
        Write(SvirtbRegister.QueueSize, queueSize);
    }

    /// <summary>Fills an entry of the ring.</summary>
    public void Fill(uint index, ulong address, ulong sizeBytes, ulong sector, uint command)
    {
        Span<byte> entry = stackalloc byte[28];
        BinaryPrimitives.WriteUInt64LittleEndian(entry, address);
        BinaryPrimitives.WriteUInt64LittleEndian(entry[8..], sizeBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(entry[16..], sector);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[24..], command);
        Ram.TryWrite(Ring + ((ulong)index * (uint)_stride), entry);
    }

    /// <summary>Bytes of guest memory.</summary>
    public byte[] Memory(ulong address, int lengthBytes)
    {
        var bytes = new byte[lengthBytes];
        return Ram.TryRead(address, bytes) ? bytes : throw new InvalidOperationException("not RAM");
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        var disposal = Device.DisposeAsync().AsTask();
        while (!disposal.IsCompleted)
        {
            Workers.RunPending();
            await Task.Yield();
        }

        await disposal;
        Ram.Dispose();
    }
}
