using System.Globalization;
using Eider.Storage;

namespace Eider.Devices.Ide;

/// <summary>Configures a disk on an IDE channel. The storage stays the caller's to flush and close.</summary>
public sealed record IdeDisk : IIdeDeviceConfig
{
    /// <summary>What the disk holds. Its size must be a multiple of 512 bytes, and at least that.</summary>
    public required BlockStorage Storage { get; init; }

    /// <summary>Refuses the guest's writes even if the storage takes them. ATA disks have no such state: they are aborted.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Serial number: printable ASCII, at most 20 characters.</summary>
    public string Serial { get; init; } = "EIDER-0001";

    /// <summary>Model: printable ASCII, at most 40 characters.</summary>
    public string Model { get; init; } = "EIDER HARDDISK";

    /// <summary>Firmware revision: printable ASCII, at most 8 characters.</summary>
    public string Firmware { get; init; } = "1.0";

    /// <summary>World wide name; null for none.</summary>
    public ulong? WorldWideName { get; init; }

    /// <summary>What statistics, traces and messages call it.</summary>
    public string Name { get; init; } = "ide";

    /// <summary>Told of every failure of the host behind a command, on the channel's worker. Must return soon.</summary>
    public Action<BlockStorageException>? HostFailed { get; init; }

    /// <summary>True if the guest cannot write.</summary>
    internal bool IsReadOnly => ReadOnly || Storage.Geometry.IsReadOnly;

    /// <inheritdoc/>
    Action<BlockStorageException>? IIdeDeviceConfig.HostFailed => HostFailed;

    /// <inheritdoc/>
    IdeDrive IIdeDeviceConfig.Build()
    {
        ArgumentNullException.ThrowIfNull(Storage);
        var size = Storage.SizeBytes;
        if (size < IdeLimits.SectorBytes || size % IdeLimits.SectorBytes != 0)
        {
            throw new ArgumentException(string.Create(
                CultureInfo.InvariantCulture, $"{Storage.Name}: size is {size}; expected a multiple of 512 bytes, and at least one"));
        }

        IdeText.Check(Storage.Name, "serial", Serial, IdeLimits.SerialLength);
        IdeText.Check(Storage.Name, "model", Model, IdeLimits.ModelLength);
        IdeText.Check(Storage.Name, "firmware", Firmware, IdeLimits.FirmwareLength);
        return new AtaDisk(this);
    }
}
