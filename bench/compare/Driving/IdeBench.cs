using System.Buffers.Binary;
using Eider.Devices.Ide;
using Eider.Devices.Pci;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Memory;
using Eider.Hardware.Time;
using Eider.Storage.Backends;

namespace Eider.Compare.Driving;

/// <summary>
/// A disk over memory on a CMD646, and a driver that works on its ports as libata does, through the machine's bus: no engine. Everything
/// runs on the caller's thread.
/// </summary>
internal sealed class IdeBench : IAsyncDisposable
{
    /// <summary>Bytes of a request by the bus master.</summary>
    public const int RequestBytes = 4096;

    /// <summary>Words that one command moves through the data port: 256 sectors.</summary>
    public const int WordsPerCommand = 256 * IdeLimits.SectorBytes / 2;

    private const ulong Ram = 0x8000_0000;
    private const ulong Data = Ram + 0x1_0000;
    private const int DiskBytes = 64 << 20;
    private const ushort Ports = 0x1000;
    private const ushort PortStep = 0x10;
    private const ushort Command = Ports;
    private const ushort Control = Ports + PortStep + 2;
    private const ushort Master = Ports + (4 * PortStep);
    private const int SectorsPerBlock = 16;

    private readonly GuestRam _ram = new((Ram, 16UL << 20));
    private readonly IoManager _bus = new();
    private readonly ManualExecutor _workers = new();
    private readonly MemoryStorage _storage = new(new byte[DiskBytes].AsMemory());
    private readonly Cmd646Ide _controller;
    private readonly byte[] _register = new byte[4];
    private readonly uint[] _sectors = new uint[4096];

    /// <summary>Brings the controller up.</summary>
    public IdeBench()
    {
        var pci = new PciBus(_bus, new PciWindows(0x4000_0000, 0x7FFF_FFFF, 0, ushort.MaxValue), [new Line(), new Line(), new Line(), new Line()]);
        _controller = new Cmd646Ide(
            new IdeChannelDevices(new IdeDisk { Storage = _storage }), new IdeChannelDevices(), new IdeServices { Memory = _ram, Executor = _workers });
        pci.Attach(_controller, new PciAddress(1));
        for (var bar = 0; bar < 5; bar++)
        {
            Configure(pci, 0x10 + (4 * bar), 4, (uint)(Ports + (PortStep * bar)));
        }

        Configure(pci, 0x04, 2, (uint)(PciCommand.IoSpace | PciCommand.BusMaster));
        Span<byte> region = stackalloc byte[8];
        BinaryPrimitives.WriteUInt32LittleEndian(region, (uint)Data);
        BinaryPrimitives.WriteUInt32LittleEndian(region[4..], 0x8000_0000 | RequestBytes);
        _ram.TryWrite(Ram, region);
        var random = new Random(1);
        for (var i = 0; i < _sectors.Length; i++)
        {
            _sectors[i] = (uint)random.Next(DiskBytes / RequestBytes) * (RequestBytes / IdeLimits.SectorBytes);
        }
    }

    /// <summary>Reads 4 KiB so many times at random places by the bus master, each with its interrupt.</summary>
    public void Run(int requests)
    {
        for (var i = 0; i < requests; i++)
        {
            Out(Master + 2, 0x66);
            Out(Master + 4, (uint)Ram, 4);
            Out(Master, 0x08);
            Send(0xC8, _sectors[i % _sectors.Length], RequestBytes / IdeLimits.SectorBytes);
            Out(Master, 0x09);
            _workers.RunPending();
            Require((In(Master + 2) & 0x07) == 0x04);
            Out(Master, 0x08);
            Require(In(Command + 7) == 0x50);
            Out(Master + 2, 0x66);
        }
    }

    /// <summary>Reads 256 sectors through the data port so many times.</summary>
    public void ReadWords(int commands)
    {
        for (var i = 0; i < commands; i++)
        {
            Send(0xC4, _sectors[i % _sectors.Length], 0);
            var data = _register.AsSpan(0, 2);
            for (var block = 0; block < 256 / SectorsPerBlock; block++)
            {
                AwaitBlock();
                for (var word = 0; word < SectorsPerBlock * IdeLimits.SectorBytes / 2; word++)
                {
                    _bus.PioRead(Command, data);
                }
            }
        }
    }

    /// <summary>Writes 256 sectors through the data port so many times.</summary>
    public void WriteWords(int commands)
    {
        for (var i = 0; i < commands; i++)
        {
            Send(0xC5, _sectors[i % _sectors.Length], 0);
            var data = _register.AsSpan(0, 2);
            for (var block = 0; block < 256 / SectorsPerBlock; block++)
            {
                AwaitBlock();
                for (var word = 0; word < SectorsPerBlock * IdeLimits.SectorBytes / 2; word++)
                {
                    _bus.PioWrite(Command, data);
                }
            }

            _workers.RunPending();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        var closing = _controller.DisposeAsync().AsTask();
        while (!closing.IsCompleted)
        {
            _workers.RunPending();
            await Task.Yield();
        }

        await closing;
        await _storage.DisposeAsync();
        _ram.Dispose();
    }

    private static void Configure(PciBus pci, int register, int width, uint value)
    {
        Span<byte> data = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(data, value);
        pci.WriteConfig(0, 1 << 3, register, data[..width]);
    }

    private static void Require(bool isRight)
    {
        if (!isRight)
        {
            throw new InvalidOperationException("the disk did not do what was asked for");
        }
    }

    private void AwaitBlock()
    {
        _workers.RunPending();
        Require((In(Control) & 0x88) == 0x08);
    }

    private void Send(byte command, uint lba, byte count)
    {
        Out(Command + 6, 0xE0 | (lba >> 24));
        Out(Command + 1, 0);
        Out(Command + 2, count);
        Out(Command + 3, lba & 0xFF);
        Out(Command + 4, (lba >> 8) & 0xFF);
        Out(Command + 5, (lba >> 16) & 0xFF);
        Out(Command + 7, command);
    }

    private byte In(int port)
    {
        _bus.PioRead((ushort)port, _register.AsSpan(0, 1));
        return _register[0];
    }

    private void Out(int port, uint value, int width = 1)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_register, value);
        _bus.PioWrite((ushort)port, _register.AsSpan(0, width));
    }

    private sealed class Line : IInterruptLine
    {
        public void SetLevel(bool level)
        {
            // Status tells it, too.
        }
    }
}
