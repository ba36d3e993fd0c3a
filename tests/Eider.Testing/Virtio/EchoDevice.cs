using System.Diagnostics.CodeAnalysis;
using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Queue;

namespace Eider.Testing.Virtio;

/// <summary>
/// A device for tests: each request's readable bytes come back in its writable bytes, each byte plus one. Records
/// what the transport calls. Requests can be held back and completed by the test in any order.
/// </summary>
[SuppressMessage("Design", "CA1051:Do not declare visible instance fields", Justification = "knobs of a test double")]
public class EchoDevice : VirtioDevice
{
    private readonly List<string> _calls = [];
    private readonly byte[][] _buffers; // one a queue: their workers run side by side

    public EchoDevice(params ushort[] queueSizes)
    {
        QueueSizes = queueSizes.Length == 0 ? [256] : queueSizes;
        _buffers = [.. QueueSizes.Select(_ => new byte[1 << 16])];
    }

    public override VirtioDeviceId DeviceId => new(42);

    public override ulong Features => OwnFeatures;

    public override IReadOnlyList<ushort> QueueSizes { get; }

    public override int ConfigSizeBytes => Config.Length;

    public override IReadOnlyList<VirtioSharedMemory> SharedMemory => Regions;

    public ulong OwnFeatures { get; set; }

    public byte[] Config { get; set; } = new byte[16];

    /// <summary>Runs while the driver reads the configuration, before the bytes are taken.</summary>
    public Action? BeforeConfigRead { get; set; }

    public IReadOnlyList<VirtioSharedMemory> Regions { get; set; } = [];

    /// <summary>Keeps requests until the test completes them.</summary>
    public bool HoldsBack { get; set; }

    /// <summary>Takes nothing.</summary>
    public bool IsIdle { get; set; }

    /// <summary>Called at the start of each run.</summary>
    public Action? OnProcess { get; set; }

    public Func<ulong, bool> Accepts { get; set; } = _ => true;

    /// <summary>Requests held back, in the order in which they were taken.</summary>
    public List<DescriptorChain> Held { get; } = [];

    /// <summary>Calls of the transport, such as <c>ready</c> or <c>stopping 0</c>.</summary>
    public IReadOnlyList<string> Calls
    {
        get
        {
            lock (_calls)
            {
                return [.. _calls];
            }
        }
    }

    public Dictionary<int, VirtQueue> Queues { get; } = [];

    public ulong ReadyFeatures { get; private set; }

    public int Taken { get; private set; }

    public VirtioDeviceContext Host => Context;

    public override bool AcceptsFeatures(ulong features) => Accepts(features);

    public override void Ready(ulong negotiatedFeatures)
    {
        ReadyFeatures = negotiatedFeatures;
        Note("ready");
    }

    public override void QueueReady(int index, VirtQueue queue)
    {
        Queues[index] = queue;
        Note($"queue {index}");
    }

    public override void ProcessQueue(int index, VirtQueue queue)
    {
        OnProcess?.Invoke();
        while (!IsIdle && queue.TryTake(out var chain))
        {
            Taken++;
            if (HoldsBack)
            {
                Held.Add(chain);
            }
            else
            {
                Answer(chain);
            }
        }
    }

    private void Note(string call)
    {
        lock (_calls)
        {
            _calls.Add(call);
        }
    }

    /// <summary>Completes a request with its echo.</summary>
    public void Answer(DescriptorChain chain)
    {
        var buffer = _buffers[chain.Queue.Index];
        var reader = chain.Reader;
        var writer = chain.Writer;
        while (reader.Remaining != 0 && writer.Remaining != 0 && chain.IsLive)
        {
            var count = reader.Read(buffer.AsSpan(0, (int)Math.Min((ulong)buffer.Length, writer.Remaining)));
            for (var i = 0; i < count; i++)
            {
                buffer[i] = unchecked((byte)(buffer[i] + 1));
            }

            writer.Write(buffer.AsSpan(0, count));
        }

        chain.Queue.Complete(chain, (uint)writer.Position);
    }

    public override void QueueStopping(int index, VirtQueue queue) => Note($"stopping {index}");

    public override bool ReadConfig(int offset, Span<byte> data)
    {
        BeforeConfigRead?.Invoke();
        Config.AsSpan(offset, data.Length).CopyTo(data);
        return true;
    }

    public override bool WriteConfig(int offset, ReadOnlySpan<byte> data)
    {
        data.CopyTo(Config.AsSpan(offset));
        return true;
    }

    public override void Reset() => Note("reset");

    public override void Close() => Note("close");
}
