using Eider.Storage;

namespace Eider.Devices.Ide;

/// <summary>Configures a CD and DVD drive on an IDE channel. Media stay the caller's to close.</summary>
public sealed record IdeCdrom : IIdeDeviceConfig
{
    /// <summary>What lies in the drive: an ISO image or any other storage; null leaves it empty. Blocks of 2048 bytes; a part of one is not read.</summary>
    public BlockStorage? Medium { get; init; }

    /// <summary>Serial number: printable ASCII, at most 20 characters.</summary>
    public string Serial { get; init; } = "EIDER-CD01";

    /// <summary>Model: printable ASCII, at most 40 characters.</summary>
    public string Model { get; init; } = "EIDER DVD-ROM";

    /// <summary>Firmware revision: printable ASCII, at most 8 characters; INQUIRY shows four of them.</summary>
    public string Firmware { get; init; } = "1.0";

    /// <summary>What statistics, traces and messages call it.</summary>
    public string Name { get; init; } = "cdrom";

    /// <summary>Told of every failure of the host behind a command, on the channel's worker. Must return soon.</summary>
    public Action<BlockStorageException>? HostFailed { get; init; }

    /// <inheritdoc/>
    Action<BlockStorageException>? IIdeDeviceConfig.HostFailed => HostFailed;

    /// <inheritdoc/>
    IdeDrive IIdeDeviceConfig.Build()
    {
        IdeText.Check(Name, "serial", Serial, IdeLimits.SerialLength);
        IdeText.Check(Name, "model", Model, IdeLimits.ModelLength);
        IdeText.Check(Name, "firmware", Firmware, IdeLimits.FirmwareLength);
        return new AtapiDrive(this);
    }
}
