using System.Globalization;
using Eider.Hardware.Lifecycle;
using Eider.Storage;

namespace Eider.Devices.SimpleVirtio;

/// <summary>Configures a Simple VirtIO Block device. The storage stays the caller's to flush and close.</summary>
public sealed record SvirtbDisk
{
    /// <summary>What the disk holds; any size, also of less than a sector.</summary>
    public required BlockStorage Storage { get; init; }

    /// <summary>Refuses writes even if the storage takes them: the device then asks for a reset, since entries have no status.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>
    /// Distance of two entries in bytes: <see cref="SvirtbLimits.CompiledStrideBytes"/> or
    /// <see cref="SvirtbLimits.WrittenStrideBytes"/>.
    /// </summary>
    public int StrideBytes { get; init; } = SvirtbLimits.CompiledStrideBytes;

    /// <summary>What statistics, traces and messages call it.</summary>
    public string Name { get; init; } = "svirtb";

    /// <summary>The host's clock, for measuring.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Where block requests are traced; null if nowhere.</summary>
    public ITraceSink? Trace { get; init; }

    /// <summary>Told of every failure of the host behind an entry, on the device's worker. Must return soon.</summary>
    public Action<BlockStorageException>? HostFailed { get; init; }

    /// <summary>True if the guest cannot write.</summary>
    internal bool IsReadOnly => ReadOnly || Storage.Geometry.IsReadOnly;

    /// <summary>Checks the settings.</summary>
    /// <exception cref="ArgumentException">A setting is impossible; the message says which, found and expected.</exception>
    internal void Check()
    {
        ArgumentNullException.ThrowIfNull(Storage);
        if (StrideBytes is not (SvirtbLimits.CompiledStrideBytes or SvirtbLimits.WrittenStrideBytes))
        {
            throw new ArgumentException(string.Create(
                CultureInfo.InvariantCulture,
                $"{Name}: stride is {StrideBytes}; expected {SvirtbLimits.CompiledStrideBytes} or {SvirtbLimits.WrittenStrideBytes}"));
        }
    }
}
