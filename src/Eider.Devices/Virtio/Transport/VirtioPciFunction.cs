using System.Buffers.Binary;
using Eider.Devices.Pci;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;

namespace Eider.Devices.Virtio.Transport;

/// <summary>
/// The PCI function of a virtio device: capabilities, and which structure an access to a region belongs to (virtio 1.3,
/// sections 4.1.2 and 4.1.4).
/// </summary>
internal sealed class VirtioPciFunction : PciFunction
{
    private const ushort Vendor = 0x1AF4;
    private const ushort FirstDevice = 0x1040;
    private const int HeaderBytes = 14; // of a capability, after id and link
    private const int AccessDataOffset = 16;

    private readonly VirtioPciDevice _owner;
    private readonly int _access;

    public VirtioPciFunction(VirtioPciDevice owner, ulong sharedBytes, int configBytes, InterruptGroup? messages)
        : base(Identify(owner.DeviceId), VirtioPciLayout.Regions(sharedBytes), PciInterruptPin.A)
    {
        _owner = owner;
        Add(VirtioPciCapability.CommonConfiguration, 0, VirtioPciLayout.CommonOffset, VirtioPciLayout.CommonBytes);
        Add(
            VirtioPciCapability.Notifications, 0, VirtioPciLayout.NotifyOffset,
            VirtioPciLayout.NotifyMultiplier * (uint)Math.Max(owner.QueueCount, 1), VirtioPciLayout.NotifyMultiplier);
        Add(VirtioPciCapability.IsrStatus, 0, VirtioPciLayout.IsrOffset, VirtioPciLayout.IsrBytes);
        if (configBytes != 0)
        {
            Add(VirtioPciCapability.DeviceConfiguration, 0, VirtioPciLayout.ConfigOffset, (uint)configBytes);
        }

        foreach (var (id, offset, length) in owner.SharedRegions)
        {
            Add(
                VirtioPciCapability.SharedMemory, id, (uint)(offset & uint.MaxValue), (uint)(length & uint.MaxValue),
                (uint)(offset >> 32), (uint)(length >> 32));
        }

        _access = Add(VirtioPciCapability.PciConfigurationAccess, 0, 0, 0, 0);
        Config.SetWritable(_access + 4, 1, 0xFF);
        Config.SetWritable(_access + 8, 4, uint.MaxValue);
        Config.SetWritable(_access + 12, 4, uint.MaxValue);
        Config.SetWritable(_access + AccessDataOffset, 4, uint.MaxValue);
        if (messages is not null)
        {
            AddMsix(messages, VirtioPciLayout.RegisterBar, VirtioPciLayout.MsixTableOffset, VirtioPciLayout.MsixPendingOffset);
        }
    }

    /// <summary>True while the driver uses MSI-X.</summary>
    public bool UsesMessages => IsMsixEnabled;

    /// <summary>The pin.</summary>
    public IInterruptLine Pin => Interrupt;

    /// <summary>True if the driver lets the device reach memory. Read where it stands: a copy could differ when two harts write at once.</summary>
    public bool MayReachMemory => IsBusMaster;

    /// <summary>Sends the message of a vector.</summary>
    public void Send(uint vector) => TrySignal(vector);

    /// <inheritdoc/>
    public override BusResult ReadConfig(int offset, Span<byte> data)
    {
        // Section 4.1.4.9: to read pci_cfg_data is to read the region that the capability names.
        if (TouchesAccessData(offset, data.Length) && SelectsRegion(out var region, out var at, out var length))
        {
            Span<byte> value = stackalloc byte[4];
            value.Clear();
            var result = Read(region, at, value[..length]);
            if (result.Status == BusStatus.Pending)
            {
                return result;
            }

            if (result.Status != BusStatus.Ok)
            {
                value[..length].Fill(0xFF);
            }

            Config.SetBits(_access + AccessDataOffset, 4, uint.MaxValue >> (8 * (4 - length)), BinaryPrimitives.ReadUInt32LittleEndian(value));
        }

        return base.ReadConfig(offset, data);
    }

    /// <inheritdoc/>
    public override BusResult WriteConfig(int offset, ReadOnlySpan<byte> data)
    {
        var result = base.WriteConfig(offset, data);
        if (offset < (int)PciRegister.Status && IsBusMaster)
        {
            _owner.BusMasterMayHaveCome();
        }

        if (!TouchesAccessData(offset, data.Length) || !SelectsRegion(out var region, out var at, out var length))
        {
            return result;
        }

        Span<byte> value = stackalloc byte[4];
        Config.Read(_access + AccessDataOffset, value);
        var written = Write(region, at, value[..length]);
        return written.Status == BusStatus.Pending ? written : result;
    }

    /// <inheritdoc/>
    public override BusResult ReadRegion(int region, ulong offset, Span<byte> data) => _owner.ReadRegion(region, offset, data);

    /// <inheritdoc/>
    public override BusResult WriteRegion(int region, ulong offset, ReadOnlySpan<byte> data) => _owner.WriteRegion(region, offset, data);

    /// <inheritdoc/>
    public override BusResult Reset()
    {
        var result = base.Reset();
        var own = _owner.ResetByBus();
        return own.Status == BusStatus.Pending ? own : result;
    }

    // Revision 1 and a subsystem of 0x40 or more keep legacy drivers away (4.1.2.1).
    private static PciIdentity Identify(VirtioDeviceId device)
    {
        var classCode = device == VirtioDeviceId.Block ? 0x01_0000U
            : device == VirtioDeviceId.Network ? 0x02_0000U
            : device == VirtioDeviceId.Console ? 0x07_8000U
            : 0xFF_0000U;
        return new PciIdentity(Vendor, (ushort)(FirstDevice + device.Value), classCode, 1, Vendor, (ushort)(0x40 + device.Value));
    }

    private int Add(VirtioPciCapability type, byte id, uint offset, uint length, params ReadOnlySpan<uint> extra)
    {
        Span<byte> body = stackalloc byte[HeaderBytes + (4 * extra.Length)];
        body.Clear();
        body[0] = (byte)(body.Length + 2);
        body[1] = (byte)type;
        body[2] = (byte)(type == VirtioPciCapability.SharedMemory ? VirtioPciLayout.SharedMemoryBar : VirtioPciLayout.RegisterBar);
        body[3] = id;
        BinaryPrimitives.WriteUInt32LittleEndian(body[6..], offset);
        BinaryPrimitives.WriteUInt32LittleEndian(body[10..], length);
        for (var i = 0; i < extra.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(body[(HeaderBytes + (4 * i))..], extra[i]);
        }

        return AddCapability(PciCapabilityId.VendorSpecific, body);
    }

    private bool TouchesAccessData(int offset, int width) =>
        offset < _access + AccessDataOffset + 4 && offset + width > _access + AccessDataOffset;

    // What the driver asks for must lie in a region, be 1, 2 or 4 bytes long and aligned (4.1.4.9.2); else nothing happens.
    private bool SelectsRegion(out int region, out ulong offset, out int length)
    {
        region = (int)Config.Get(_access + 4, 1);
        offset = Config.Get(_access + 8, 4);
        var wanted = Config.Get(_access + 12, 4);
        length = (int)Math.Min(wanted, 8);
        var index = region;
        var home = Regions.FirstOrDefault(candidate => candidate.Index == index);
        return wanted is 1 or 2 or 4 && home is not null && offset % wanted == 0 && offset < home.SizeBytes && wanted <= home.SizeBytes - offset;
    }
}
