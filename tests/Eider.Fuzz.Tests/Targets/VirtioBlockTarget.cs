using System.Buffers.Binary;
using Eider.Devices.Virtio.Block;
using Eider.Testing.Fuzzing;
using Eider.Testing.Fuzzing.Virtio;

namespace Eider.Fuzz.Tests.Targets;

/// <summary>
/// The virtio block device (virtio 1.3, 5.2): requests of every type with sectors and lengths around the capacity, any
/// framing, a storage that answers late, fails or is cancelled. Completed: an operation reached the storage, was done,
/// and a request came back to the driver.
/// </summary>
public sealed class VirtioBlockTarget : VirtioFuzzTarget
{
    private const int Sectors = 64;
    private const int SectorBytes = 512;
    private const byte NoStatus = 0xFF;

    private static readonly int[] Types = [0, 1, 4, 8, 11, 13, 14, 10, 2, 3, 255];

    private static readonly string[][] Outcomes =
    [
        .. new[]
        {
            "in", "out", "type-2", "type-3", "flush", "type-5", "type-6", "type-7", "get-id", "type-9", "get-lifetime", "discard",
            "type-12", "write-zeroes", "secure-erase",
        }.Select(name => new[] { $"{name} ok", $"{name} error", $"{name} unsupported" }),
    ];

    private static readonly string[] OtherOutcomes = ["another type ok", "another type error", "another type unsupported"];

    private readonly List<(int Type, ulong Status)> _requests = [];
    private readonly FuzzStorage _storage = new(Sectors * SectorBytes);

    /// <inheritdoc/>
    public override string Name => "virtio-block";

    /// <inheritdoc/>
    protected override VirtioFuzzBench MakeBench() => new(new BlockDevice
    {
        Storage = _storage,
        Queues = 2,
        QueueSize = FuzzRing.MaxSize,
        SecureErase = true,
        Serial = "fuzz",
        Lifetime = () => new(1, 1, 1),
    }.Build())
    {
        LetGo = _storage.LetGo,
    };

    /// <inheritdoc/>
    protected override int CountUsableQueues(ulong features) => (features >> (int)BlockFeature.MultiQueue & 1) != 0 ? 2 : 1;

    /// <inheritdoc/>
    protected override void BeginCase(FuzzInput input)
    {
        _storage.Begin();
        _requests.Clear();
    }

    /// <inheritdoc/>
    protected override void HostStep(FuzzInput input)
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

    /// <inheritdoc/>
    protected override void MakeRequest(FuzzInput input, int queue)
    {
        var type = input.OneIn(32) ? unchecked((int)input.FourBytes()) : input.Pick<int>(Types);
        var sector = input.OneIn(16) ? input.Edge(Sectors) : (ulong)input.Below(Sectors + 2);
        WriteHeader(type, sector, input.OneIn(4));
        if (type is 11 or 13 or 14)
        {
            AddRanges(input);
        }
        else if (type is not 4)
        {
            AddData(input, isWritable: type != 1, lengthBytes: type is 8 or 10 && !input.OneIn(4) ? 20 : 0);
        }

        var status = Bench.Guest.Heap;
        if (!input.OneIn(32) && AddBuffer(1, isWritable: true) is { IsEmpty: false } last)
        {
            last[0] = NoStatus;
            _requests.Add((type, status));
        }
    }

    /// <inheritdoc/>
    protected override void Observe(FuzzInput input)
    {
        foreach (var (type, status) in _requests)
        {
            var answers = type >= 0 && type < Outcomes.Length ? Outcomes[type] : OtherOutcomes;
            var answer = Bench.Guest.At(status, 1)[0];
            input.Saw(answer < answers.Length ? answers[answer] : answer == NoStatus ? "no status" : "a status that was spoiled");
        }
    }

    /// <inheritdoc/>
    protected override bool IsCompleted() => _storage.Done > 0 && Bench.Rings.Any(ring => ring.Returned > 0);

    /// <inheritdoc/>
    protected override bool TryPlainRequest()
    {
        var header = Bench.Guest.Allocate(16);
        var data = Bench.Guest.Allocate(SectorBytes);
        var status = Bench.Guest.Allocate(1);
        Bench.Guest.At(data, 1)[0] = 0x55;
        Bench.Guest.At(status, 1)[0] = 0xFF;
        return TryComplete(0, new FuzzBuffer(header, 16, false), new FuzzBuffer(data, SectorBytes, true), new FuzzBuffer(status, 1, true))
            && Bench.Guest.At(status, 1)[0] == 0 && Bench.Guest.At(data, 1)[0] == 0;
    }

    private void WriteHeader(int type, ulong sector, bool inPieces)
    {
        Span<byte> header = stackalloc byte[16];
        BinaryPrimitives.WriteInt32LittleEndian(header, type);
        BinaryPrimitives.WriteUInt64LittleEndian(header[8..], sector);
        var piece = inPieces ? 5 : 16;
        while (!header.IsEmpty)
        {
            var count = Math.Min(piece, header.Length);
            var buffer = AddBuffer(count, isWritable: false);
            header[..Math.Min(count, buffer.Length)].CopyTo(buffer);
            header = header[count..];
        }
    }

    private void AddRanges(FuzzInput input)
    {
        for (var ranges = 1 + (input.OneIn(4) ? input.Below(4) : 0); ranges > 0; ranges--)
        {
            var range = AddBuffer(16 - (input.OneIn(16) ? input.Below(17) : 0), isWritable: false);
            if (range.Length == 16)
            {
                BinaryPrimitives.WriteUInt64LittleEndian(range, input.OneIn(8) ? input.Edge(Sectors) : (ulong)input.Below(Sectors));
                BinaryPrimitives.WriteUInt32LittleEndian(range[8..], input.OneIn(8) ? unchecked((uint)input.Edge(Sectors)) : (uint)input.Below(8));
                BinaryPrimitives.WriteUInt32LittleEndian(range[12..], (uint)input.Below(input.OneIn(8) ? 8 : 2));
            }
        }
    }

    private void AddData(FuzzInput input, bool isWritable, int lengthBytes)
    {
        for (var pieces = 1 + (input.OneIn(3) ? input.Below(5) : 0); pieces > 0; pieces--)
        {
            var length = lengthBytes != 0 ? lengthBytes : input.OneIn(16) ? input.Below(1025) : SectorBytes * (1 + input.Below(3));
            var buffer = AddBuffer(length, isWritable);
            if (!isWritable && !buffer.IsEmpty)
            {
                input.Fill(buffer);
            }
        }
    }
}
