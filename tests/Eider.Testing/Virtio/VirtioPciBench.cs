using Eider.Devices.Pci;
using Eider.Devices.Virtio;
using Eider.Devices.Virtio.Queue;
using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Memory;
using Eider.Hardware.Time;
using Eider.Testing.Hardware;
using Eider.Testing.Pci;

namespace Eider.Testing.Virtio;

/// <summary>
/// A virtio device on a PCI bus, RAM, and a driver that knows nothing but the specification: it finds the structures by their
/// capabilities and reaches them through the machine's bus. Everything on the caller's thread, in a fixed order.
/// </summary>
public sealed class VirtioPciBench : IAsyncDisposable
{
    public const ulong RamBase = 0x8000_0000;
    public const ulong RamBytes = 16 << 20;
    public const uint RegisterAddress = 0x4000_0000;
    public const uint SharedAddress = 0x5000_0000;

    private ulong _heap = RamBase + 0x10_0000;

    /// <summary>Puts a device on the bus, gives its regions addresses and lets it reach memory.</summary>
    /// <param name="device">The device.</param>
    /// <param name="options">Options of the transport.</param>
    /// <param name="hasMessages">False for a board without messages.</param>
    public VirtioPciBench(VirtioDevice device, VirtioTransportOptions? options = null, bool hasMessages = true)
    {
        Ram = new GuestRam((RamBase, RamBytes));
        var services = new VirtioServices
        {
            Memory = Ram,
            Executor = Workers,
            Timebase = new VirtualTimebase(),
            Random = new SeededRandomSource(1),
        };
        var group = hasMessages ? Pci.NewGroup(InterruptSourceType.PciMsix, VirtioPciDevice.MessagesFor(device)) : null;
        Transport = new VirtioPciDevice(device, services, group, "test", options);
        Pci.Add(Transport.Function, 0);
        Pci.Config(Function, (int)PciRegister.Bar0, RegisterAddress, 4);
        Pci.Config(Function, (int)PciRegister.Bar0 + 8, SharedAddress, 4);
        Pci.Config(Function, (int)PciRegister.Command, (uint)(PciCommand.MemorySpace | PciCommand.BusMaster), 2);
        Capabilities = [.. FindCapabilities()];
    }

    public GuestRam Ram { get; }

    public ManualExecutor Workers { get; } = new();

    public PciTestBench Pci { get; } = new();

    public VirtioPciDevice Transport { get; }

    public PciFunction Function => Transport.Function;

    /// <summary>The wire of the device's pin.</summary>
    public FakeInterruptLine Line => Pci.Wires[0];

    /// <summary>The vendor-specific capabilities, in their order.</summary>
    public IReadOnlyList<VirtioPciStructure> Capabilities { get; }

    public Dictionary<int, RingDriver> Rings { get; } = [];

    public DeviceStatus Status => (DeviceStatus)Common(VirtioPciCommonRegister.DeviceStatus, 1);

    public VirtioPciStructure this[VirtioPciCapability type] => Capabilities.First(capability => capability.Type == type);

    public void Run() => Workers.RunPending(100_000);

    public ulong Allocate(ulong lengthBytes, ulong alignment = 4096)
    {
        var address = (_heap + alignment - 1) & ~(alignment - 1);
        _heap = address + lengthBytes;
        return address;
    }

    /// <summary>Where a byte of a structure is in memory.</summary>
    public ulong AddressOf(VirtioPciCapability type, ulong offset = 0) => BaseOf(this[type].Bar) + this[type].Offset + offset;

    /// <summary>Reads a field of the common configuration.</summary>
    public uint Common(VirtioPciCommonRegister register, int width) =>
        Pci.Mmio(AddressOf(VirtioPciCapability.CommonConfiguration, (ulong)register), width);

    /// <summary>Writes a field of the common configuration; a pending access runs the workers.</summary>
    public void Common(VirtioPciCommonRegister register, uint value, int width) =>
        Finish(Pci.MmioWrite(AddressOf(VirtioPciCapability.CommonConfiguration, (ulong)register), value, width));

    public void WriteStatus(uint status) => Common(VirtioPciCommonRegister.DeviceStatus, status, 1);

    public void Select(int queue) => Common(VirtioPciCommonRegister.QueueSelect, (uint)queue, 2);

    /// <summary>Reads a 16-bit field of a queue.</summary>
    public uint Queue(int queue, VirtioPciCommonRegister register)
    {
        Select(queue);
        return Common(register, 2);
    }

    public uint ReadIsr() => Pci.Mmio(AddressOf(VirtioPciCapability.IsrStatus), 1);

    /// <summary>Offered features, both words.</summary>
    public ulong ReadOfferedFeatures()
    {
        Common(VirtioPciCommonRegister.DeviceFeatureSelect, 1, 4);
        var high = Common(VirtioPciCommonRegister.DeviceFeature, 4);
        Common(VirtioPciCommonRegister.DeviceFeatureSelect, 0, 4);
        return ((ulong)high << 32) | Common(VirtioPciCommonRegister.DeviceFeature, 4);
    }

    /// <summary>Resets and negotiates (3.1.1, steps 1 to 6).</summary>
    public bool Negotiate(ulong features)
    {
        WriteStatus(0);
        Rings.Clear();
        WriteStatus(1);
        WriteStatus(3);
        for (var word = 0; word < 2; word++)
        {
            Common(VirtioPciCommonRegister.DriverFeatureSelect, (uint)word, 4);
            Common(VirtioPciCommonRegister.DriverFeature, (uint)((features >> (32 * word)) & uint.MaxValue), 4);
        }

        WriteStatus(11);
        return Status.HasFlag(DeviceStatus.FeaturesOk);
    }

    /// <summary>Sets one queue up (4.1.5.1.3).</summary>
    public RingDriver SetUpQueue(int index, int size, ulong features)
    {
        var packed = features.Has(VirtioFeature.RingPacked);
        var layout = new VirtQueueSettings
        {
            Index = index,
            Size = size,
            Features = features,
            DescriptorAddress = Allocate(16UL * (ulong)size),
            DriverAddress = Allocate(packed ? 4 : 6 + (2UL * (ulong)size)),
            DeviceAddress = Allocate(packed ? 4 : 6 + (8UL * (ulong)size)),
        };
        var ring = RingDriver.Create(Ram, layout);
        Select(index);
        Common(VirtioPciCommonRegister.QueueSize, (uint)size, 2);
        WriteAddress(VirtioPciCommonRegister.QueueDesc, layout.DescriptorAddress);
        WriteAddress(VirtioPciCommonRegister.QueueDriver, layout.DriverAddress);
        WriteAddress(VirtioPciCommonRegister.QueueDevice, layout.DeviceAddress);
        Common(VirtioPciCommonRegister.QueueEnable, 1, 2);
        Rings[index] = ring;
        return ring;
    }

    public void WriteAddress(VirtioPciCommonRegister low, ulong address)
    {
        Common(low, (uint)(address & uint.MaxValue), 4);
        Common(low + 4, (uint)(address >> 32), 4);
    }

    /// <summary>Resets the device and brings it up with queues of a size.</summary>
    public void Start(ulong features, int queueSize = 16, int queues = 1)
    {
        Xunit.Assert.True(Negotiate(features), "FEATURES_OK was refused");
        for (var i = 0; i < queues; i++)
        {
            SetUpQueue(i, queueSize, features);
        }

        WriteStatus(15);
        Run();
    }

    /// <summary>Where a queue is notified (4.1.4.4).</summary>
    public ulong NotifyAddress(int queue) => AddressOf(
        VirtioPciCapability.Notifications,
        (ulong)Queue(queue, VirtioPciCommonRegister.QueueNotifyOff) * this[VirtioPciCapability.Notifications].Extra[0]);

    /// <summary>Notifies a queue as the negotiated features say (4.1.5.2), and runs the workers.</summary>
    public void Notify(int queue = 0, uint nextOffset = 0)
    {
        var features = Transport.NegotiatedFeatures;
        var name = features.Has(VirtioFeature.NotifConfigData) ? Queue(queue, VirtioPciCommonRegister.QueueNotifConfigData) : (uint)queue;
        var withData = features.Has(VirtioFeature.NotificationData);
        Xunit.Assert.Equal(BusStatus.Ok, Pci.MmioWrite(NotifyAddress(queue), withData ? name | (nextOffset << 16) : name, withData ? 4 : 2).Status);
        Run();
    }

    /// <summary>Programs a vector of MSI-X and lets it through.</summary>
    public void ProgramVector(uint vector, ulong address, uint data, bool isMasked = false)
    {
        var entry = VectorAddress(vector);
        Pci.MmioWrite(entry, (uint)(address & uint.MaxValue));
        Pci.MmioWrite(entry + 4, (uint)(address >> 32));
        Pci.MmioWrite(entry + 8, data);
        Pci.MmioWrite(entry + 12, isMasked ? 1U : 0);
    }

    /// <summary>Where a vector of MSI-X is.</summary>
    public ulong VectorAddress(uint vector)
    {
        var table = Pci.Config(Function, Pci.FindCapability(Function, PciCapabilityId.MsiX) + 4);
        return BaseOf((byte)(table & 7)) + (table & ~7U) + (16UL * vector);
    }

    /// <summary>The first word of the pending bits.</summary>
    public uint PendingVectors()
    {
        var table = Pci.Config(Function, Pci.FindCapability(Function, PciCapabilityId.MsiX) + 8);
        return Pci.Mmio(BaseOf((byte)(table & 7)) + (table & ~7U));
    }

    /// <summary>Turns MSI-X on (0x8000), with the function masked (0xC000), or off (0).</summary>
    public void ControlMessages(uint control) =>
        Pci.Config(Function, Pci.FindCapability(Function, PciCapabilityId.MsiX) + 2, control, 2);

    /// <summary>Sends bytes through a queue of an echo device and reads what comes back.</summary>
    public byte[] Echo(int queue, params byte[] bytes)
    {
        var buffer = Allocate(2 * (ulong)bytes.Length, 16);
        Xunit.Assert.True(Ram.TryWrite(buffer, bytes));
        Rings[queue].Add(
            [new DriverBuffer(buffer, (uint)bytes.Length, IsWritable: false), new DriverBuffer(buffer + (ulong)bytes.Length, (uint)bytes.Length, IsWritable: true)]);
        Notify(queue);
        return Rings[queue].TryGetUsed(out _) ? Rings[queue].Read(buffer + (ulong)bytes.Length, bytes.Length) : [];
    }

    public async ValueTask DisposeAsync()
    {
        await Pci.Bus.Detach(Function);
        var closing = Transport.DisposeAsync().AsTask();
        for (var i = 0; i < 10_000 && !closing.IsCompleted; i++)
        {
            Run();
            await (i < 100 ? Task.CompletedTask : Task.Delay(1)); // what follows the last worker runs on the pool
        }

        Xunit.Assert.True(closing.IsCompleted, "the device never closed: the test left a request in flight");

        await closing;
        Ram.Dispose();
    }

    /// <summary>Waits for a pending access by running the workers.</summary>
    public void Finish(BusResult result)
    {
        if (result.Pending is { } pending)
        {
            Run();
            Xunit.Assert.True(pending.IsCompleted, "the access never completed");
        }
    }

    private ulong BaseOf(byte bar) => Pci.Config(Function, (int)PciRegister.Bar0 + (4 * bar)) & ~0xFU;

    private IEnumerable<VirtioPciStructure> FindCapabilities()
    {
        for (var at = (int)Pci.Config(Function, (int)PciRegister.CapabilitiesPointer, 1); at != 0; at = (int)Pci.Config(Function, at + 1, 1))
        {
            if (Pci.Config(Function, at, 1) != (uint)PciCapabilityId.VendorSpecific)
            {
                continue;
            }

            var length = (int)Pci.Config(Function, at + 2, 1);
            var start = at;
            yield return new VirtioPciStructure(
                at,
                length,
                (VirtioPciCapability)Pci.Config(Function, at + 3, 1),
                (byte)Pci.Config(Function, at + 4, 1),
                (byte)Pci.Config(Function, at + 5, 1),
                Pci.Config(Function, at + 8),
                Pci.Config(Function, at + 12),
                [.. Enumerable.Range(0, (length - 16) / 4).Select(i => Pci.Config(Function, start + 16 + (4 * i)))]);
        }
    }
}
