using Eider.Devices.Virtio.Queue;

namespace Eider.Devices.Virtio.Console;

/// <summary>
/// A receive queue: host to guest. A buffer of the guest is held until there is something to put in; without a
/// buffer the host's bytes stay where they are. On the queue's worker only.
/// </summary>
internal sealed class ConsoleReceiver(VirtQueue queue, VirtioDeviceContext context)
{
    private readonly byte[] _bytes = new byte[ConsoleLimits.ChunkBytes];
    private DescriptorChain? _chain;

    /// <summary>Moves what there is.</summary>
    /// <param name="host">The host's end; null while the port may not send.</param>
    public void Process(ConsoleBackend? host)
    {
        for (var moved = 0L; host is not null && moved < ConsoleLimits.BytesPerTurn;)
        {
            if (_chain is null && !queue.TryTake(out _chain))
            {
                return;
            }

            var start = context.Clock.GetTimestamp();
            var isUseless = _chain.WritableBytes == 0; // against 5.3.6.1
            var written = isUseless ? 0 : Fill(_chain, host);
            if (written == 0 && !isUseless)
            {
                return;
            }

            context.Statistics.Count(written, 0, context.NanosecondsSince(start), isUseless);
            queue.Complete(_chain, (uint)written);
            _chain = null;
            moved += written;
        }

        if (host is not null)
        {
            context.Wake(queue.Index);
        }
    }

    private int Fill(DescriptorChain chain, ConsoleBackend host)
    {
        var writer = chain.Writer;
        var written = 0;
        while (writer.Remaining > 0 && written < ConsoleLimits.BytesPerTurn)
        {
            var room = (int)Math.Min((ulong)_bytes.Length, writer.Remaining);
            var length = host.Read(_bytes.AsSpan(0, room));
            if (length == 0 || !writer.TryWrite(_bytes.AsSpan(0, length)))
            {
                break;
            }

            written += length;
        }

        return written;
    }
}
