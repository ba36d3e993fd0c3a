using System.Text;
using Eider.Devices.Serial;

namespace Eider.Devices.Tests.Serial;

/// <summary>A host with as much room as a test gives it.</summary>
internal sealed class TestPeer : ISerialPeer
{
    private readonly Queue<byte> _input = new();
    private readonly List<byte> _output = [];

    public int Room { get; set; } = int.MaxValue;

    public Action? Changed { get; set; }

    /// <summary>Called once, while the next character is taken.</summary>
    public Action? Writing { get; set; }

    public string Output
    {
        get
        {
            lock (_output)
            {
                return Encoding.Latin1.GetString([.. _output]);
            }
        }
    }

    public int Waiting => _input.Count;

    public void Type(string text)
    {
        foreach (var character in Encoding.Latin1.GetBytes(text))
        {
            _input.Enqueue(character);
        }

        Changed?.Invoke();
    }

    public void GiveRoom(int bytes)
    {
        Room = bytes;
        Changed?.Invoke();
    }

    public int Write(ReadOnlySpan<byte> bytes)
    {
        int taken;
        lock (_output)
        {
            taken = Math.Min(bytes.Length, Room);
            _output.AddRange(bytes[..taken]);
            Room -= taken;
        }

        var writing = Writing;
        Writing = null;
        writing?.Invoke();
        return taken;
    }

    public int Read(Span<byte> bytes)
    {
        var count = 0;
        while (count < bytes.Length && _input.TryDequeue(out var value))
        {
            bytes[count++] = value;
        }

        return count;
    }
}
