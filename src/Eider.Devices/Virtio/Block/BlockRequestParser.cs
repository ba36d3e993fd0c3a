namespace Eider.Devices.Virtio.Block;

/// <summary>
/// Decides, before anything is done, what a chain asks for and whether it may (virtio 1.3, 5.2.6): a request is
/// either refused here with nothing moved, or has its first step. Every byte of the guest is read once.
/// </summary>
internal static class BlockRequestParser
{
    /// <summary>Fills a request that was just started.</summary>
    public static void Parse(BlockState state, BlockRequest request)
    {
        var chain = request.Chain;
        Span<byte> bytes = stackalloc byte[BlockRequestHeader.Size];
        if (chain.WritableBytes == 0 || !chain.TryReadAt(0, bytes))
        {
            request.End(BlockRequestStatus.IoError);
            return;
        }

        request.Header = BlockRequestHeader.Read(bytes);
        switch (request.Type)
        {
            case BlockRequestType.In:
                ParseTransfer(state, request, chain.WritableBytes - 1, chain.ReadableBytes - BlockRequestHeader.Size);
                break;
            case BlockRequestType.Out:
                ParseTransfer(state, request, chain.ReadableBytes - BlockRequestHeader.Size, chain.WritableBytes - 1);
                break;
            case BlockRequestType.Flush:
                request.Step = BlockStep.Commit;
                break;
            case BlockRequestType.GetId:
                Answer(request, state.Serial);
                break;
            case BlockRequestType.GetLifetime when state.Has(BlockFeature.Lifetime):
                ParseLifetime(state, request);
                break;
            case BlockRequestType.Discard when state.Has(BlockFeature.Discard):
                ParseRanges(state, request, BlockLimits.MaxDiscardSegments, BlockLimits.MaxDiscardSectors, 0);
                break;
            case BlockRequestType.WriteZeroes when state.Has(BlockFeature.WriteZeroes):
                ParseRanges(
                    state, request, BlockLimits.MaxWriteZeroesSegments, BlockLimits.MaxWriteZeroesSectors, BlockRange.Unmap);
                break;
            case BlockRequestType.SecureErase when state.Has(BlockFeature.SecureErase):
                ParseRanges(state, request, BlockLimits.MaxSecureEraseSegments, BlockLimits.MaxSecureEraseSectors, 0);
                break;
            default:
                request.End(BlockRequestStatus.Unsupported);
                break;
        }
    }

    // Data of the wrong direction cannot be moved (5.2.6: IN fills writable data, OUT takes readable data). To say OK
    // of an OUT with writable data would be to lose a write.
    private static void ParseTransfer(BlockState state, BlockRequest request, ulong dataBytes, ulong wrongBytes)
    {
        var isWrite = request.Type == BlockRequestType.Out;
        if ((isWrite && state.IsReadOnly)
            || wrongBytes != 0
            || dataBytes % BlockLimits.SectorBytes != 0
            || !Contains(state.Capacity, request.Header.Sector, dataBytes / BlockLimits.SectorBytes))
        {
            request.End(BlockRequestStatus.IoError);
            return;
        }

        if (dataBytes == 0)
        {
            request.End(BlockRequestStatus.Ok);
            return;
        }

        var chain = request.Chain;
        var isLent = isWrite
            ? chain.TryLeaseReadable(BlockRequestHeader.Size, dataBytes, out var buffers)
            : chain.TryLeaseWritable(0, dataBytes, out buffers);
        if (!isLent)
        {
            request.End(BlockRequestStatus.IoError);
            return;
        }

        request.DataBytes = dataBytes;
        request.Buffers = buffers;
        request.Step = BlockStep.Transfer;
    }

    private static void ParseLifetime(BlockState state, BlockRequest request)
    {
        Span<byte> bytes = stackalloc byte[BlockLifetime.Size];
        state.Lifetime.Write(bytes);
        Answer(request, bytes);
    }

    // The whole answer, or an error: a part of a serial number is another serial number.
    private static void Answer(BlockRequest request, ReadOnlySpan<byte> bytes)
    {
        var isWhole = request.Chain.WritableBytes - 1 >= (ulong)bytes.Length && request.Chain.TryWriteAt(0, bytes);
        request.WrittenBytes = isWhole ? (uint)bytes.Length : 0;
        request.End(isWhole ? BlockRequestStatus.Ok : BlockRequestStatus.IoError);
    }

    private static void ParseRanges(BlockState state, BlockRequest request, int maxCount, uint maxSectors, uint knownFlags)
    {
        var length = request.Chain.ReadableBytes - BlockRequestHeader.Size;
        var count = length / BlockRange.Size;
        if (count == 0 || length % BlockRange.Size != 0 || count > (ulong)maxCount || !request.TryReadRanges((int)count))
        {
            request.End(BlockRequestStatus.IoError);
            return;
        }

        var status = BlockRequestStatus.Ok;
        foreach (var range in request.Ranges)
        {
            // An unknown flag anywhere weighs more than an error: the driver asks for what the device has not got.
            if ((range.Flags & ~knownFlags) != 0)
            {
                request.End(BlockRequestStatus.Unsupported);
                return;
            }

            if (state.IsReadOnly || range.SectorCount > maxSectors || !Contains(state.Capacity, range.Sector, range.SectorCount))
            {
                status = BlockRequestStatus.IoError;
            }

            request.DataBytes += (ulong)range.SectorCount * BlockLimits.SectorBytes;
        }

        if (status == BlockRequestStatus.Ok)
        {
            request.Step = BlockStep.Range;
            return;
        }

        request.End(status);
    }

    private static bool Contains(ulong capacity, ulong sector, ulong count) =>
        sector <= capacity && count <= capacity - sector;
}
