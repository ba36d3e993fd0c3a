using Eider.Hardware.Lifecycle;

namespace Eider.Machines;

/// <summary>What one device did so far.</summary>
/// <param name="Name">The device, such as <c>vda</c>.</param>
/// <param name="Requests">Requests completed, failed ones too.</param>
/// <param name="ReadBytes">Bytes from the device to the guest.</param>
/// <param name="WrittenBytes">Bytes from the guest to the device.</param>
/// <param name="Seconds">Sum of the times from taking a request to completing it, in seconds.</param>
/// <param name="Failures">Requests answered with an error.</param>
public sealed record MachineDeviceStatistics(
    string Name, long Requests, long ReadBytes, long WrittenBytes, double Seconds, long Failures)
{
    internal static MachineDeviceStatistics From(DeviceStatistics counted) => new(
        counted.Name,
        counted.Requests,
        counted.ReadBytes,
        counted.WrittenBytes,
        counted.BusyNanoseconds / 1e9,
        counted.Failures);
}
