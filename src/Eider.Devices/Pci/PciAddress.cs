using System.Globalization;

namespace Eider.Devices.Pci;

/// <summary>Where a function is on its bus.</summary>
public readonly record struct PciAddress
{
    /// <summary>Number of device numbers on a bus.</summary>
    public const int DeviceCount = 32;

    /// <summary>Number of functions of a device.</summary>
    public const int FunctionCount = 8;

    /// <summary>A place.</summary>
    /// <param name="device">Device number, 0 to 31.</param>
    /// <param name="function">Function number, 0 to 7.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such place.</exception>
    public PciAddress(int device, int function = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(device);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(device, DeviceCount);
        ArgumentOutOfRangeException.ThrowIfNegative(function);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(function, FunctionCount);
        Device = device;
        Function = function;
    }

    /// <summary>Device number.</summary>
    public int Device { get; }

    /// <summary>Function number.</summary>
    public int Function { get; }

    /// <summary>Both in one byte, as configuration addresses have it.</summary>
    internal int DevFn => (Device << 3) | Function;

    /// <summary>As <c>lspci</c> writes it: <c>01.0</c>.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Device:x2}.{Function}");
}
