using Eider.Hardware.Bus;
using Eider.Hardware.Resources;
using Eider.Testing.Hardware;

namespace Eider.Hardware.Tests.Bus;

/// <summary>The bus against the plainest model there is: an array that says for each byte who has it.</summary>
public sealed class BusModelTests
{
    private const int SpaceBytes = 256;
    private static readonly int[] PioWidths = [1, 2, 4];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void The_bus_agrees_with_a_byte_map(int seed)
    {
        var random = new Random(seed);
        var bus = new IoManager();
        var model = new Model();
        for (var step = 0; step < 4000; step++)
        {
            switch (random.Next(10))
            {
                case 0 or 1:
                    Register(bus, model, random);
                    break;
                case 2:
                    Unregister(bus, model, random);
                    break;
                case < 6:
                    AccessMmio(bus, model, random);
                    break;
                default:
                    AccessPio(bus, model, random);
                    break;
            }
        }

        Assert.Equal(model.Claims.Count, bus.Registrations.Count);
    }

    private static void Register(IoManager bus, Model model, Random random)
    {
        var device = new FakeDevice { Seed = (byte)random.Next(256), IsRecording = false };
        var claims = Enumerable.Range(0, random.Next(1, 4)).Select(_ => new Claim(
            random.Next(2) == 0 ? IoSpace.Mmio : IoSpace.Pio, random.Next(SpaceBytes), random.Next(20), device)).ToArray();
        var fits = model.TryAdd(claims);
        var thrown = Record.Exception(() => bus.Register(device, Model.ToResources(claims)));
        Assert.Equal(!fits, thrown is BusOverlapException);
    }

    private static void Unregister(IoManager bus, Model model, Random random)
    {
        if (model.Claims.Count == 0)
        {
            return;
        }

        var claim = model.Claims[random.Next(model.Claims.Count)];
        bus.Unregister(claim.Device, Model.ToResources([claim])).GetAwaiter().GetResult();
        model.Claims.Remove(claim);
    }

    private static void AccessMmio(IoManager bus, Model model, Random random)
    {
        var address = random.Next(SpaceBytes);
        var data = new byte[random.Next(1, 9)];
        var status = bus.MmioRead((ulong)address, data).Status;
        var first = model.Find(IoSpace.Mmio, address);
        var whole = first is not null && address + data.Length <= first.Base + first.Size;
        Assert.Equal(first is null ? BusStatus.NoDevice : whole ? BusStatus.Ok : BusStatus.Unaligned, status);
        for (var i = 0; i < data.Length; i++)
        {
            Assert.Equal(whole ? first!.ByteAt(address + i) : 0xFF, data[i]);
        }
    }

    private static void AccessPio(IoManager bus, Model model, Random random)
    {
        var port = random.Next(SpaceBytes);
        var data = new byte[PioWidths[random.Next(3)]];
        var status = bus.PioRead((ushort)port, data).Status;
        var any = false;
        for (var i = 0; i < data.Length; i++)
        {
            var claim = model.Find(IoSpace.Pio, port + i);
            any |= claim is not null;
            Assert.Equal(claim?.ByteAt(port + i) ?? 0xFF, data[i]);
        }

        Assert.Equal(any ? BusStatus.Ok : BusStatus.NoDevice, status);
    }

    private sealed record Claim(IoSpace Space, int Base, int Size, FakeDevice Device)
    {
        public byte ByteAt(int address) => unchecked((byte)(Device.Seed + (address - Base)));
    }

    private sealed class Model
    {
        public List<Claim> Claims { get; } = [];

        public static DeviceResources ToResources(IEnumerable<Claim> claims) => new(claims.Select<Claim, Resource>(claim =>
            claim.Space == IoSpace.Mmio
                ? new Resource.MmioAddressRange((ulong)claim.Base, (ulong)claim.Size)
                : new Resource.PioAddressRange((ushort)claim.Base, (ushort)claim.Size)));

        public Claim? Find(IoSpace space, int address) => Claims.SingleOrDefault(
            claim => claim.Space == space && address >= claim.Base && address < claim.Base + claim.Size);

        public bool TryAdd(Claim[] added)
        {
            var taken = new HashSet<(IoSpace, int)>(Claims.SelectMany(Bytes));
            var fits = added.All(claim => claim.Size > 0 && Bytes(claim).All(taken.Add));
            Claims.AddRange(fits ? added : []);
            return fits;
        }

        private static IEnumerable<(IoSpace Space, int Address)> Bytes(Claim claim) =>
            Enumerable.Range(claim.Base, claim.Size).Select(address => (claim.Space, address));
    }
}
