using Eider.Storage;

namespace Eider.Devices.Ide;

/// <summary>The host's hand at a CD drive: what lies in it can be changed while the guest runs. Safe from any thread.</summary>
public sealed class CdTray
{
    private readonly IdeChannel _channel;

    internal CdTray(IdeChannel channel, AtapiDrive drive)
    {
        _channel = channel;
        Drive = drive;
    }

    /// <summary>
    /// Called, without a lock and on a hart's thread, when the guest has opened the tray with a medium in it or none; a host
    /// may put the next one in from here. Must return soon.
    /// </summary>
    public Action<CdTray>? Ejected { get; set; }

    /// <summary>What lies in the drive; null if nothing.</summary>
    public BlockStorage? Medium => _channel.With(Drive, static drive => drive.Medium);

    /// <summary>True while the tray is out.</summary>
    public bool IsOpen => _channel.With(Drive, static drive => drive.Drive.IsTrayOpen);

    /// <summary>True while the guest prevents the removal of the medium.</summary>
    public bool IsLocked => _channel.With(Drive, static drive => drive.Drive.IsLocked);

    /// <summary>The drive.</summary>
    internal AtapiDrive Drive { get; }

    /// <summary>
    /// Changes the medium and closes the tray. A guest that has locked the drive is asked to let go (it polls for such
    /// wishes), and nothing changes.
    /// </summary>
    /// <param name="medium">The new one, or null to take the old one out.</param>
    /// <param name="force">True to change it all the same, as with a paper clip.</param>
    /// <returns>False if the guest has locked the drive. When the task completes, the old medium is not used any more.</returns>
    public async ValueTask<bool> TryChangeAsync(BlockStorage? medium, bool force = false)
    {
        var (isChanged, old) = _channel.With(Drive, drive =>
        {
            if (drive.Drive.IsLocked && !force)
            {
                drive.Drive.HasEjectRequest = true;
                return (false, null);
            }

            var old = drive.Medium;
            drive.Load(medium);
            return (true, old);
        });
        if (old is not null)
        {
            await _channel.WhenReleased(old).ConfigureAwait(false);
        }

        return isChanged;
    }
}
