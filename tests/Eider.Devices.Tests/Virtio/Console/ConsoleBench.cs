using System.Buffers.Binary;
using System.Text;
using Eider.Devices.Tests.Virtio.Bench;
using Eider.Devices.Virtio.Console;

namespace Eider.Devices.Tests.Virtio.Console;

/// <summary>A console on the bench, and a driver's way of using it.</summary>
internal sealed class ConsoleBench : IDisposable
{
    private const int ControlReceive = 2;
    private const int ControlTransmit = 3;

    private readonly List<BenchTicket> _spare = [];

    public ConsoleBench(ConsoleDevice settings, bool isPacked = false, bool isMultiPort = true)
    {
        Handler = settings.Build();
        Bench = DeviceBench.Create(Handler, isPacked);
        Start(isMultiPort);
    }

    public ConsoleHandler Handler { get; }

    public DeviceBench Bench { get; }

    public static int ReceiveQueue(int port) => port == 0 ? 0 : (2 * port) + 2;

    public void Start(bool isMultiPort = true) =>
        Bench.Start(refused: isMultiPort ? 0 : 1UL << (int)ConsoleFeature.MultiPort);

    /// <summary>The guest writes text to a port.</summary>
    public BenchTicket Write(int port, string text)
    {
        var ticket = Bench.Submit(ReceiveQueue(port) + 1, Bench.Readable(Encoding.UTF8.GetBytes(text)));
        Bench.Run();
        return ticket;
    }

    /// <summary>The guest gives a buffer to read into.</summary>
    public BenchTicket Give(int port, int lengthBytes = 64)
    {
        var ticket = Bench.Submit(ReceiveQueue(port), Bench.Writable(lengthBytes));
        Bench.Run();
        return ticket;
    }

    public string TextOf(BenchTicket ticket)
    {
        Assert.True(ticket.IsUsed, "the buffer was not used");
        return Encoding.UTF8.GetString(Bench.Read(ticket.Buffers[0])[..(int)ticket.UsedBytes!.Value]);
    }

    /// <summary>The driver sends a control message.</summary>
    public void Tell(uint port, ConsoleControlEvent controlEvent, ushort value)
    {
        var bytes = new byte[8];
        new ConsoleControlMessage(port, controlEvent, value).Write(bytes);
        var ticket = Bench.SubmitAndRun(ControlTransmit, Bench.Readable(bytes));
        Assert.Equal(0u, ticket.UsedBytes);
    }

    /// <summary>Gives control buffers and lists what comes; one buffer is left ready.</summary>
    public List<string> Hear()
    {
        var heard = Overhear();
        while (true)
        {
            var ticket = Bench.SubmitAndRun(ControlReceive, Bench.Writable(256));
            if (!ticket.IsUsed)
            {
                _spare.Add(ticket);
                return heard;
            }

            heard.Add(Describe(ticket));
        }
    }

    /// <summary>What came into the control buffer that lay ready.</summary>
    public List<string> Overhear()
    {
        Bench.Run();
        var used = _spare.Where(t => t.IsUsed).ToList();
        _spare.RemoveAll(t => t.IsUsed);
        return used.ConvertAll(Describe);
    }

    public void OpenPort(uint port)
    {
        Tell(port, ConsoleControlEvent.PortReady, 1);
        Tell(port, ConsoleControlEvent.PortOpen, 1);
    }

    public void Dispose() => Bench.Dispose();

    private string Describe(BenchTicket ticket)
    {
        var bytes = Bench.Read(ticket.Buffers[0])[..(int)ticket.UsedBytes!.Value];
        var message = ConsoleControlMessage.Read(bytes);
        var rest = bytes.AsSpan(ConsoleControlMessage.Size);
        var text = message.Event == ConsoleControlEvent.Resize
            ? $"{BinaryPrimitives.ReadUInt16LittleEndian(rest)}x{BinaryPrimitives.ReadUInt16LittleEndian(rest[2..])}"
            : Encoding.UTF8.GetString(rest);
        return $"{message.Port} {message.Event} {message.Value} {text}".TrimEnd();
    }
}
