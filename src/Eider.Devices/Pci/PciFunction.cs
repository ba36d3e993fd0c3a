using System.Buffers.Binary;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;

namespace Eider.Devices.Pci;

/// <summary>
/// One function of a PCI device: what the author of a device derives from. The base class keeps configuration space,
/// base address registers, capabilities, interrupt pin, MSI and MSI-X; the author answers accesses to regions and,
/// if there are any, to registers of the device's own in configuration space.
/// </summary>
/// <remarks>
/// <para>
/// Calls come from any hart, several at once, with no lock held. Like every device it must not throw, whatever the guest
/// sends. <see cref="IsRegionEnabled"/> alone is called with the bus's lock held: it looks at the device's state and
/// does nothing else.
/// </para>
/// <para>A handler of a region must not wait for an access to configuration space on another thread.</para>
/// </remarks>
public abstract class PciFunction
{
    private const int FirstCapability = 0x40;

    private readonly PciRegion[] _regions;
    private readonly PciInterruptLine _interrupt;
    private PciMsi? _msi;
    private PciMsix? _msix;
    private int _lastCapability = (int)PciRegister.CapabilitiesPointer; // where the next link is stored
    private int _nextFree = FirstCapability;
    private PciBus? _bus;
    private int _devFn = -1; // -1: on no bus

    /// <summary>A function that no bus has yet.</summary>
    /// <param name="identity">Who it is.</param>
    /// <param name="regions">What it answers; no two with one number.</param>
    /// <param name="pin">Which wire it interrupts by.</param>
    /// <exception cref="ArgumentException">Two regions want the same base address register.</exception>
    protected PciFunction(PciIdentity identity, IReadOnlyList<PciRegion> regions, PciInterruptPin pin = PciInterruptPin.None)
    {
        ArgumentNullException.ThrowIfNull(identity);
        ArgumentNullException.ThrowIfNull(regions);
        Identity = identity;
        InterruptPin = pin;
        _regions = [.. regions];
        _interrupt = new PciInterruptLine(this);
        WriteHeader();
        var used = new HashSet<int>();
        foreach (var region in _regions)
        {
            if (!used.Add(region.Index) || (region.Kind == PciRegionKind.Memory64 && !used.Add(region.Index + 1)))
            {
                throw new ArgumentException($"region {region.Index} is described twice", nameof(regions));
            }

            WriteBar(region);
        }
    }

    /// <summary>Who it is.</summary>
    public PciIdentity Identity { get; }

    /// <summary>What it answers.</summary>
    public IReadOnlyList<PciRegion> Regions => _regions;

    /// <summary>Which wire of its slot it interrupts by.</summary>
    public PciInterruptPin InterruptPin { get; }

    /// <summary>Where it is; null if on no bus.</summary>
    public PciAddress? Address => Volatile.Read(ref _devFn) is var devFn && devFn < 0 ? null : new PciAddress(devFn >> 3, devFn & 7);

    /// <summary>Its configuration space, for the device to fill and to look at.</summary>
    public PciConfigSpace Config { get; } = new();

    /// <summary>The command register.</summary>
    public PciCommand Command => (PciCommand)Config.Get((int)PciRegister.Command, 2);

    /// <summary>True if the driver lets the function reach memory; a device asks before each DMA.</summary>
    public bool IsBusMaster => (Command & PciCommand.BusMaster) != 0;

    /// <summary>The level of the pin that the device wants; shown by the wire unless the driver disabled it or uses messages.</summary>
    protected IInterruptLine Interrupt => _interrupt;

    /// <summary>True while MSI-X is enabled: the pin is not used then.</summary>
    protected bool IsMsixEnabled => _msix is { IsEnabled: true };

    /// <summary>True while the wire is to be high.</summary>
    internal bool IsInterruptAsserted =>
        _interrupt.Level && Address is not null && (Command & PciCommand.InterruptDisable) == 0 && !IsMsixEnabled && _msi is not { IsEnabled: true };

    /// <summary>A read of configuration space: 1, 2 or 4 bytes inside of one double word.</summary>
    /// <remarks>A device overrides it to make a register of its own current first; then it calls this.</remarks>
    public virtual BusResult ReadConfig(int offset, Span<byte> data)
    {
        Config.Read(offset, data);
        return BusResult.Ok;
    }

    /// <summary>A write to configuration space: 1, 2 or 4 bytes inside of one double word.</summary>
    /// <remarks>A device overrides it to act on a register of its own; first it calls this.</remarks>
    public virtual BusResult WriteConfig(int offset, ReadOnlySpan<byte> data)
    {
        var changed = Config.Write(offset, data);
        var isCommand = offset < (int)PciRegister.Status && offset + data.Length > (int)PciRegister.Command;
        if (changed && (isCommand || (offset >= (int)PciRegister.Bar0 && offset < (int)PciRegister.Bar0 + (4 * PciRegion.BarCount))))
        {
            RegionsChanged();
        }

        _msi?.ConfigWritten(offset, data.Length);
        _msix?.ConfigWritten(offset, data.Length);
        if (isCommand || offset >= FirstCapability)
        {
            Volatile.Read(ref _bus)?.DriveInterrupt(this);
        }

        return BusResult.Ok;
    }

    /// <summary>A read of a region; the access lies inside.</summary>
    /// <param name="region">Number of its base address register, 0 to 5.</param>
    /// <param name="offset">First byte, counted from the start of the region.</param>
    /// <param name="data">Where the bytes go, little-endian.</param>
    public virtual BusResult ReadRegion(int region, ulong offset, Span<byte> data) => BusStatus.InvalidRegister;

    /// <summary>A write to a region; the access lies inside.</summary>
    /// <param name="region">Number of its base address register, 0 to 5.</param>
    /// <param name="offset">First byte, counted from the start of the region.</param>
    /// <param name="data">The bytes, little-endian.</param>
    public virtual BusResult WriteRegion(int region, ulong offset, ReadOnlySpan<byte> data) => BusStatus.InvalidRegister;

    /// <summary>The bus's reset signal: configuration space as it was when the function was attached, nothing decoded.</summary>
    /// <remarks>A device overrides it to reset itself, too.</remarks>
    /// <returns>Done, or pending as long as something of the old life may still reach guest memory.</returns>
    public virtual BusResult Reset()
    {
        _msi?.Reset();
        _msix?.Reset();
        Config.Reset();
        _interrupt.SetLevel(false);
        RegionsChanged();
        return BusResult.Ok;
    }

    /// <summary>True if the device decodes a region, besides what the command register says; always by default.</summary>
    /// <remarks>When the answer changes, the device calls <see cref="RegionsChanged"/> with no lock held.</remarks>
    protected internal virtual bool IsRegionEnabled(int region) => true;

    /// <summary>Makes the bus look again at what the function decodes. No lock may be held.</summary>
    protected void RegionsChanged() => Volatile.Read(ref _bus)?.Remap();

    /// <summary>Adds a capability at the end of the list.</summary>
    /// <param name="id">Which.</param>
    /// <param name="body">Its bytes after the two of the header.</param>
    /// <returns>Its offset in configuration space.</returns>
    /// <exception cref="InvalidOperationException">No room is left.</exception>
    protected int AddCapability(PciCapabilityId id, ReadOnlySpan<byte> body)
    {
        var offset = _nextFree;
        if (body.Length + 2 > PciConfigSpace.SizeBytes - offset)
        {
            throw new InvalidOperationException($"no room for capability {id} of {body.Length + 2} bytes");
        }

        Config.Set(offset, 1, (uint)id);
        for (var i = 0; i < body.Length; i++)
        {
            Config.Set(offset + 2 + i, 1, body[i]);
        }

        Config.Set(_lastCapability, 1, (uint)offset);
        Config.SetBits((int)PciRegister.Status, 2, (uint)PciStatus.CapabilitiesList, (uint)PciStatus.CapabilitiesList);
        _lastCapability = offset + 1;
        _nextFree = (offset + body.Length + 2 + 3) & ~3;
        return offset;
    }

    /// <summary>Keeps capabilities away from registers of the device's own: the next one begins here, or later.</summary>
    /// <param name="endOffset">First byte behind those registers, counted from the start of the space.</param>
    protected void ReserveConfig(int endOffset) => _nextFree = Math.Max(_nextFree, (endOffset + 3) & ~3);

    /// <summary>Adds MSI with per-vector masks and 64-bit addresses (PCI Local Bus 3.0, section 6.8.1).</summary>
    /// <param name="group">Its messages: 1 to 32 of them, a power of two.</param>
    /// <exception cref="ArgumentException">There are not that many.</exception>
    protected void AddMsi(InterruptGroup group)
    {
        ArgumentNullException.ThrowIfNull(group);
        _msi = new PciMsi(group, Config, AddCapability(PciCapabilityId.Msi, PciMsi.Body(group.Count)));
    }

    /// <summary>Adds MSI-X (PCI Local Bus 3.0, section 6.8.2); accesses to its two tables never reach the device.</summary>
    /// <param name="group">Its messages, 1 to 2048.</param>
    /// <param name="region">The memory region with the tables.</param>
    /// <param name="tableOffset">Where the vectors are, 16 bytes each; a multiple of 8.</param>
    /// <param name="pendingOffset">Where the pending bits are; a multiple of 8.</param>
    /// <exception cref="ArgumentException">The tables do not fit or overlap, or there are no or too many messages.</exception>
    protected void AddMsix(InterruptGroup group, int region, uint tableOffset, uint pendingOffset)
    {
        ArgumentNullException.ThrowIfNull(group);
        var home = _regions.FirstOrDefault(candidate => candidate.Index == region && !candidate.IsPorts)
            ?? throw new ArgumentException($"region {region} is no memory", nameof(region));
        PciMsix.Check(group, home.SizeBytes, tableOffset, pendingOffset);
        var body = PciMsix.Body(group.Count, region, tableOffset, pendingOffset);
        var capability = AddCapability(PciCapabilityId.MsiX, body);
        Config.SetWritable(capability + 2, 2, PciMsix.WritableControl);
        _msix = new PciMsix(group, Config, capability, region, tableOffset, pendingOffset);
    }

    /// <summary>Signals by message.</summary>
    /// <param name="vector">Which; with fewer MSI messages than that, they are shared.</param>
    /// <returns>False if the driver uses no messages: then the pin tells. True if it does, whether or not one was sent.</returns>
    protected bool TrySignal(uint vector)
    {
        if (_msix is { IsEnabled: true } msix)
        {
            msix.Signal(vector, IsBusMaster);
            return true;
        }

        if (_msi is { IsEnabled: true } msi)
        {
            msi.Signal(vector, IsBusMaster);
            return true;
        }

        return false;
    }

    /// <summary>Called by the bus: from here on, accesses may come.</summary>
    /// <exception cref="InvalidOperationException">A bus has it already.</exception>
    internal void Attach(PciBus bus, PciAddress address)
    {
        if (Interlocked.CompareExchange(ref _bus, bus, null) is not null)
        {
            throw new InvalidOperationException("the function is on a bus already");
        }

        Config.KeepResetValues();
        Volatile.Write(ref _devFn, address.DevFn);
    }

    /// <summary>Called by the bus: the function is on none any more.</summary>
    internal void Detach()
    {
        Volatile.Write(ref _devFn, -1);
        Volatile.Write(ref _bus, null);
    }

    /// <summary>The device wants another level of its pin.</summary>
    internal void InterruptChanged(bool level)
    {
        Config.SetBits((int)PciRegister.Status, 2, (uint)PciStatus.Interrupt, level ? (uint)PciStatus.Interrupt : 0);
        Volatile.Read(ref _bus)?.DriveInterrupt(this);
    }

    /// <summary>Where a region is decoded; null if it is not.</summary>
    internal ulong? DecodedBase(PciRegion region)
    {
        if ((Command & (region.IsPorts ? PciCommand.IoSpace : PciCommand.MemorySpace)) == 0 || !IsRegionEnabled(region.Index))
        {
            return null;
        }

        var register = (int)PciRegister.Bar0 + (4 * region.Index);
        return region.Kind switch
        {
            PciRegionKind.FixedPorts => region.Port.Value,
            PciRegionKind.Io => Config.Get(register, 4) & ~0b11U,
            PciRegionKind.Memory64 => (Config.Get(register, 4) & ~0xFU) | ((ulong)Config.Get(register + 4, 4) << 32),
            _ => Config.Get(register, 4) & ~0xFU,
        };
    }

    /// <summary>An access to a region: the tables of MSI-X first, then the device.</summary>
    internal BusResult Read(int region, ulong offset, Span<byte> data) =>
        _msix is { } msix && msix.Covers(region, offset) ? msix.Read(offset, data) : ReadRegion(region, offset, data);

    /// <summary>An access to a region: the tables of MSI-X first, then the device.</summary>
    internal BusResult Write(int region, ulong offset, ReadOnlySpan<byte> data) =>
        _msix is { } msix && msix.Covers(region, offset) ? msix.Write(offset, data) : WriteRegion(region, offset, data);

    private void WriteHeader()
    {
        Config.Set((int)PciRegister.VendorId, 2, Identity.VendorId);
        Config.Set((int)PciRegister.DeviceId, 2, Identity.DeviceId);
        Config.Set((int)PciRegister.RevisionId, 1, Identity.RevisionId);
        Config.Set((int)PciRegister.ClassCode, 3, Identity.ClassCode);
        Config.Set((int)PciRegister.SubsystemVendorId, 2, Identity.SubsystemVendorId);
        Config.Set((int)PciRegister.SubsystemId, 2, Identity.SubsystemId);
        Config.Set((int)PciRegister.InterruptPin, 1, (uint)InterruptPin);
        var command = PciCommand.BusMaster | PciCommand.ParityErrorResponse | PciCommand.SystemErrorEnable;
        command |= _regions.Any(region => region.IsPorts) ? PciCommand.IoSpace : 0;
        command |= _regions.Any(region => !region.IsPorts) ? PciCommand.MemorySpace : 0;
        command |= InterruptPin != PciInterruptPin.None ? PciCommand.InterruptDisable : 0;
        Config.SetWritable((int)PciRegister.Command, 2, (uint)command);
        Config.SetWritable((int)PciRegister.CacheLineSize, 1, 0xFF);
        Config.SetWritable((int)PciRegister.LatencyTimer, 1, 0xFF);
        Config.SetWritable((int)PciRegister.InterruptLine, 1, InterruptPin != PciInterruptPin.None ? 0xFFU : 0);
    }

    // The address bits below the size are wired to 0: that is how software learns the size.
    private void WriteBar(PciRegion region)
    {
        if (region.Kind == PciRegionKind.FixedPorts)
        {
            return;
        }

        var register = (int)PciRegister.Bar0 + (4 * region.Index);
        Span<byte> mask = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(mask, ~(region.SizeBytes - 1));
        Config.Set(register, 4, region.TypeBits);
        Config.SetWritable(register, 4, BinaryPrimitives.ReadUInt32LittleEndian(mask));
        if (region.Kind == PciRegionKind.Memory64)
        {
            Config.SetWritable(register + 4, 4, BinaryPrimitives.ReadUInt32LittleEndian(mask[4..]));
        }
    }
}
