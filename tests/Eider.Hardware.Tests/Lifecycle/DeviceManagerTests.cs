using Eider.Hardware.Bus;
using Eider.Hardware.Lifecycle;
using Eider.Hardware.Resources;
using Eider.Testing.Hardware;

namespace Eider.Hardware.Tests.Lifecycle;

public sealed class DeviceManagerTests
{
    private readonly IoManager _bus = new();
    private readonly ResourceManager _resources = new(ResourcePools.ForX86());
    private readonly DeviceManager _manager;

    public DeviceManagerTests() => _manager = new DeviceManager(_resources, _bus);

    // The example of the dbs-device document: a dummy device with 4 KiB of registers and 32 ports at 0.
    [Fact]
    public void The_documents_example_runs()
    {
        var resources = new DeviceResources();
        resources.Append(new Resource.MmioAddressRange(0, 4096));
        resources.Append(new Resource.PioAddressRange(0, 32));
        var device = new FakeDevice();
        var bus = new IoManager();
        bus.Register(device, resources);
        Assert.Equal(BusStatus.Ok, bus.MmioWrite(0, [0, 1]).Status);
        Assert.Equal(BusStatus.Ok, bus.PioRead(0, new byte[4]).Status);
        Assert.Equal(
            [
                new FakeAccess(IoSpace.Mmio, IoDirection.Write, 0, 0, 2, 0x100),
                new FakeAccess(IoSpace.Pio, IoDirection.Read, 0, 0, 4, 0),
            ],
            device.Accesses);
    }

    // The flow of the document, step by step, and an exit that ends in the device.
    [Fact]
    public async Task A_device_is_created_asked_given_and_registered_in_this_order()
    {
        var device = await _manager.CreateAsync("vda", () => new Steps());
        Assert.Equal(["constraints", "assign"], device.Log);
        Assert.Equal((0xC000_0000UL, 6u), (device.AssignedResources.MmioAddressRanges[0].Base.Value, device.AssignedResources.LegacyIrq));
        var exit = new IoAccess(IoSpace.Mmio, 0xC000_0004, IoDirection.Read, 4, 1, new byte[4]);
        Assert.Equal(BusStatus.Ok, new IoDispatcher(_bus).Dispatch(exit, out _).Status);
        Assert.Equal(["constraints", "assign", "read 4"], device.Log);
        Assert.Equal([("vda", (IManagedDevice)device)], _manager.Devices);
    }

    // Upstream's create_devices case: a port misses before and answers after.
    [Fact]
    public async Task A_port_misses_before_its_device_is_made_and_answers_after()
    {
        var data = new byte[1];
        Assert.Equal(BusStatus.NoDevice, _bus.PioRead(0x3FB, data).Status);
        var device = await _manager.CreateAsync("com1", () => new Steps(
            new ResourceConstraint.PioAddress(8, new PortRange(0x3F8, 0x3FF))));
        Assert.Equal(BusStatus.Ok, _bus.PioRead(0x3FB, data).Status);
        Assert.Equal(3, data[0]);
        Assert.Contains("pio read 3", device.Log);
    }

    [Fact]
    public async Task Destroying_undoes_each_step_once_and_the_place_is_free_again()
    {
        var device = await _manager.CreateAsync("vda", () => new Steps());
        Assert.True(_manager.DestroyAsync("vda").IsCompletedSuccessfully);
        Assert.Equal(["constraints", "assign", "remove"], device.Log);
        Assert.Equal(BusStatus.NoDevice, _bus.MmioRead(0xC000_0000, new byte[4]).Status);
        Assert.Empty(_manager.Devices);
        await Assert.ThrowsAsync<KeyNotFoundException>(() => _manager.DestroyAsync("vda"));
        Assert.Equal(device.AssignedResources, (await _manager.CreateAsync("vda", () => new Steps())).AssignedResources);
    }

    [Fact]
    public async Task A_name_is_given_once()
    {
        await _manager.CreateAsync("vda", () => new Steps());
        await Assert.ThrowsAsync<ArgumentException>(() => _manager.CreateAsync("vda", () => new Steps()));
        Assert.Single(_manager.Devices);
    }

    [Fact]
    public async Task A_factory_that_throws_leaves_nothing()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(() => _manager.CreateAsync<Steps>("vda", () => throw new InvalidOperationException()));
        await _manager.CreateAsync("vda", () => new Steps());
    }

    [Fact]
    public async Task Without_resources_the_device_is_removed()
    {
        var device = new Steps(new ResourceConstraint.LegacyIrq(), new ResourceConstraint.LegacyIrq(99));
        await Assert.ThrowsAsync<ResourceUnavailableException>(() => _manager.CreateAsync("vda", () => device));
        Assert.Equal(["constraints", "remove"], device.Log);
        AssertNothingTaken();
    }

    [Fact]
    public async Task A_device_that_refuses_its_resources_is_removed_and_they_are_freed()
    {
        var device = new Steps { FailAssign = true };
        await Assert.ThrowsAsync<InvalidOperationException>(() => _manager.CreateAsync("vda", () => device));
        Assert.Equal(["constraints", "assign", "remove"], device.Log);
        AssertNothingTaken();
    }

    [Fact]
    public async Task A_device_whose_place_is_taken_on_the_bus_is_removed_and_its_resources_are_freed()
    {
        var squatter = new FakeDevice();
        var place = new DeviceResources(new Resource.MmioAddressRange(0xC000_0800, 1));
        _bus.Register(squatter, place);
        var device = new Steps();
        await Assert.ThrowsAsync<BusOverlapException>(() => _manager.CreateAsync("vda", () => device));
        Assert.Equal(["constraints", "assign", "remove"], device.Log);
        await _bus.Unregister(squatter, place);
        AssertNothingTaken();
    }

    // A hart ejects the device that it is talking to.
    [Fact]
    public async Task Destroyed_from_inside_an_access_it_goes_when_the_call_has_left()
    {
        Task? gone = null;
        var inside = new List<string>();
        var device = await _manager.CreateAsync("vda", () => new Steps());
        device.OnRead = () =>
        {
            gone = _manager.DestroyAsync("vda");
            inside.AddRange(device.Log);
            Assert.False(gone.IsCompleted);
            Assert.True(_manager.CreateAsync("vda", () => new Steps()).IsFaulted);
        };
        Assert.Equal(BusStatus.Ok, _bus.MmioRead(0xC000_0000, new byte[4]).Status);
        Assert.DoesNotContain("remove", inside);
        Assert.True(gone!.IsCompletedSuccessfully);
        Assert.Equal("remove", device.Log[^1]);
        await _manager.CreateAsync("vda", () => new Steps());
    }

    // Its workers may run on the thread that destroys it.
    [Fact]
    public async Task Until_a_device_has_ended_its_requests_its_name_and_its_place_are_taken()
    {
        var ended = new TaskCompletionSource();
        await _manager.CreateAsync("vda", () => new Steps { Ended = ended.Task });
        var gone = _manager.DestroyAsync("vda");
        Assert.False(gone.IsCompleted);
        Assert.Equal(BusStatus.NoDevice, _bus.MmioRead(0xC000_0000, new byte[4]).Status);
        await Assert.ThrowsAsync<ArgumentException>(() => _manager.CreateAsync("vda", () => new Steps()));
        Assert.False(_resources.TryAllocate([new ResourceConstraint.LegacyIrq(6)], out _, out _));
        ended.SetResult();
        await gone;
        AssertNothingTaken();
    }

    [Fact]
    public async Task Devices_are_listed_in_the_order_in_which_they_were_made()
    {
        foreach (var name in new[] { "plic", "vda", "clint" })
        {
            await _manager.CreateAsync(name, () => new Steps());
        }

        await _manager.DestroyAsync("vda");
        await _manager.CreateAsync("vda", () => new Steps());
        Assert.Equal(["plic", "clint", "vda"], _manager.Devices.Select(device => device.Name));
    }

    [Fact]
    public async Task A_device_that_throws_while_it_is_removed_still_gives_everything_back()
    {
        var device = await _manager.CreateAsync("vda", () => new Steps { FailRemove = true });
        await Assert.ThrowsAsync<InvalidOperationException>(() => _manager.DestroyAsync("vda"));
        Assert.Single(device.Log, entry => entry == "remove");
        AssertNothingTaken();
    }

    [Fact]
    public async Task A_device_that_throws_while_its_creation_is_undone_still_gives_everything_back()
    {
        var device = new Steps { FailAssign = true, FailRemove = true };
        await Assert.ThrowsAsync<InvalidOperationException>(() => _manager.CreateAsync("vda", () => device));
        Assert.Single(device.Log, entry => entry == "remove");
        AssertNothingTaken();
    }

    private void AssertNothingTaken()
    {
        Assert.Empty(_bus.Registrations);
        Assert.Empty(_manager.Devices);
        var probe = _resources.Allocate([new ResourceConstraint.MmioAddress(0x1000), new ResourceConstraint.LegacyIrq()]);
        Assert.Equal((0xC000_0000UL, 6u), (probe.MmioAddressRanges[0].Base.Value, probe.LegacyIrq));
    }

    /// <summary>Writes down which step of its life comes when.</summary>
    private sealed class Steps(params ResourceConstraint[] constraints) : IManagedDevice
    {
        public List<string> Log { get; } = [];

        public bool FailAssign { get; init; }

        public bool FailRemove { get; init; }

        public Task Ended { get; init; } = Task.CompletedTask;

        public Action? OnRead { get; set; }

        public DeviceResources AssignedResources { get; private set; } = DeviceResources.Empty;

        public IReadOnlyList<ResourceConstraint> ResourceConstraints
        {
            get
            {
                Log.Add("constraints");
                return constraints.Length > 0
                    ? constraints
                    : [new ResourceConstraint.MmioAddress(0x1000), new ResourceConstraint.LegacyIrq()];
            }
        }

        public void AssignResources(DeviceResources resources)
        {
            Log.Add("assign");
            AssignedResources = resources;
            if (FailAssign)
            {
                throw new InvalidOperationException("does not like them");
            }
        }

        public ValueTask RemoveAsync()
        {
            Log.Add("remove");
            if (FailRemove)
            {
                throw new InvalidOperationException("does not want to go");
            }

            return new ValueTask(Ended);
        }

        public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data)
        {
            Log.Add($"read {offset.Value}");
            OnRead?.Invoke();
            data.Clear();
            return BusStatus.Ok;
        }

        public BusResult PioRead(PioAddress rangeBase, PioAddress offset, Span<byte> data)
        {
            Log.Add($"pio read {offset.Value}");
            data.Fill((byte)offset.Value);
            return BusStatus.Ok;
        }
    }
}
