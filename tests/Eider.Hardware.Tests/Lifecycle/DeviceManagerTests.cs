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
    public void A_device_is_created_asked_given_and_registered_in_this_order()
    {
        var device = _manager.Create("vda", () => new Steps());
        Assert.Equal(["constraints", "assign"], device.Log);
        Assert.Equal((0xC000_0000UL, 6u), (device.AssignedResources.MmioAddressRanges[0].Base.Value, device.AssignedResources.LegacyIrq));
        var exit = new IoAccess(IoSpace.Mmio, 0xC000_0004, IoDirection.Read, 4, 1, new byte[4]);
        Assert.Equal(BusStatus.Ok, new IoDispatcher(_bus).Dispatch(exit, out _).Status);
        Assert.Equal(["constraints", "assign", "read 4"], device.Log);
        Assert.Equal([("vda", (IManagedDevice)device)], _manager.Devices);
    }

    // Upstream's create_devices case: a port misses before and answers after.
    [Fact]
    public void A_port_misses_before_its_device_is_made_and_answers_after()
    {
        var data = new byte[1];
        Assert.Equal(BusStatus.NoDevice, _bus.PioRead(0x3FB, data).Status);
        var device = _manager.Create("com1", () => new Steps(
            new ResourceConstraint.PioAddress(8, new PortRange(0x3F8, 0x3FF))));
        Assert.Equal(BusStatus.Ok, _bus.PioRead(0x3FB, data).Status);
        Assert.Equal(3, data[0]);
        Assert.Contains("pio read 3", device.Log);
    }

    [Fact]
    public void Destroying_undoes_each_step_once_and_the_place_is_free_again()
    {
        var device = _manager.Create("vda", () => new Steps());
        Assert.True(_manager.Destroy("vda").IsCompletedSuccessfully);
        Assert.Equal(["constraints", "assign", "remove"], device.Log);
        Assert.Equal(BusStatus.NoDevice, _bus.MmioRead(0xC000_0000, new byte[4]).Status);
        Assert.Empty(_manager.Devices);
        Assert.Throws<KeyNotFoundException>(() => { _ = _manager.Destroy("vda"); });
        Assert.Equal(device.AssignedResources, _manager.Create("vda", () => new Steps()).AssignedResources);
    }

    [Fact]
    public void A_name_is_given_once()
    {
        _manager.Create("vda", () => new Steps());
        Assert.Throws<ArgumentException>(() => _manager.Create("vda", () => new Steps()));
        Assert.Single(_manager.Devices);
    }

    [Fact]
    public void A_factory_that_throws_leaves_nothing()
    {
        Assert.Throws<InvalidOperationException>(() => _manager.Create<Steps>("vda", () => throw new InvalidOperationException()));
        _manager.Create("vda", () => new Steps());
    }

    [Fact]
    public void Without_resources_the_device_is_removed()
    {
        var device = new Steps(new ResourceConstraint.LegacyIrq(), new ResourceConstraint.LegacyIrq(99));
        Assert.Throws<ResourceUnavailableException>(() => _manager.Create("vda", () => device));
        Assert.Equal(["constraints", "remove"], device.Log);
        AssertNothingTaken();
    }

    [Fact]
    public void A_device_that_refuses_its_resources_is_removed_and_they_are_freed()
    {
        var device = new Steps { FailAssign = true };
        Assert.Throws<InvalidOperationException>(() => _manager.Create("vda", () => device));
        Assert.Equal(["constraints", "assign", "remove"], device.Log);
        AssertNothingTaken();
    }

    [Fact]
    public void A_device_whose_place_is_taken_on_the_bus_is_removed_and_its_resources_are_freed()
    {
        var squatter = new FakeDevice();
        var place = new DeviceResources(new Resource.MmioAddressRange(0xC000_0800, 1));
        _bus.Register(squatter, place);
        var device = new Steps();
        Assert.Throws<BusOverlapException>(() => _manager.Create("vda", () => device));
        Assert.Equal(["constraints", "assign", "remove"], device.Log);
        _bus.Unregister(squatter, place);
        AssertNothingTaken();
    }

    // A hart ejects the device that it is talking to.
    [Fact]
    public void Destroyed_from_inside_an_access_it_goes_when_the_call_has_left()
    {
        Task? gone = null;
        var inside = new List<string>();
        var device = _manager.Create("vda", () => new Steps());
        device.OnRead = () =>
        {
            gone = _manager.Destroy("vda");
            inside.AddRange(device.Log);
            Assert.False(gone.IsCompleted);
            Assert.Throws<ArgumentException>(() => _manager.Create("vda", () => new Steps()));
        };
        Assert.Equal(BusStatus.Ok, _bus.MmioRead(0xC000_0000, new byte[4]).Status);
        Assert.DoesNotContain("remove", inside);
        Assert.True(gone!.IsCompletedSuccessfully);
        Assert.Equal("remove", device.Log[^1]);
        _manager.Create("vda", () => new Steps());
    }

    [Fact]
    public void A_device_that_throws_while_it_is_removed_still_gives_everything_back()
    {
        var device = _manager.Create("vda", () => new Steps { FailRemove = true });
        Assert.Throws<InvalidOperationException>(() => { _ = _manager.Destroy("vda"); });
        Assert.Single(device.Log, entry => entry == "remove");
        AssertNothingTaken();
    }

    [Fact]
    public void A_device_that_throws_while_its_creation_is_undone_still_gives_everything_back()
    {
        var device = new Steps { FailAssign = true, FailRemove = true };
        Assert.Throws<InvalidOperationException>(() => _manager.Create("vda", () => device));
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

        public void Remove()
        {
            Log.Add("remove");
            if (FailRemove)
            {
                throw new InvalidOperationException("does not want to go");
            }
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
