namespace Eider.Devices.Pci;

/// <summary>Who a function is: the fixed part of its configuration header.</summary>
/// <param name="VendorId">Vendor ID; 0xFFFF is nobody.</param>
/// <param name="DeviceId">Device ID.</param>
/// <param name="ClassCode">Base class, subclass and programming interface, 24 bits, such as 0x01018F.</param>
/// <param name="RevisionId">Revision ID.</param>
/// <param name="SubsystemVendorId">Subsystem vendor ID.</param>
/// <param name="SubsystemId">Subsystem ID.</param>
public sealed record PciIdentity(
    ushort VendorId, ushort DeviceId, uint ClassCode, byte RevisionId = 0, ushort SubsystemVendorId = 0, ushort SubsystemId = 0);
