using Eider.Devices.Ide;
using Eider.Storage;

namespace Eider.Machines;

/// <summary>
/// A CD drive of a machine with its discs, one of them in it. When the guest opens the tray, the next disc is put in, and after
/// the last the first again; a single disc stays in the open tray until the guest closes it. Safe from any thread.
/// </summary>
public sealed class MachineCdDrive
{
    private readonly Lock _gate = new();
    private int _current;

    internal MachineCdDrive(string name, CdTray tray, IReadOnlyList<BlockStorage> discs)
    {
        Name = name;
        Tray = tray;
        Discs = discs;
        _current = tray.Medium is null ? -1 : 0;
        tray.Ejected = PutNextIn;
    }

    /// <summary>Its name, as in statistics: <c>ide0.1.0</c> is device 0 on channel 1 of controller 0.</summary>
    public string Name { get; }

    /// <summary>The host's hand at it, for discs that the machine does not know; whoever sets its <see cref="CdTray.Ejected"/> changes discs himself.</summary>
    public CdTray Tray { get; }

    /// <summary>Its discs, in the order of the configuration; open until the machine is disposed of.</summary>
    public IReadOnlyList<BlockStorage> Discs { get; }

    /// <summary>
    /// Puts the next disc in, and after the last the first again; a single one is taken out and put in again. A guest that has locked
    /// the drive is asked to let go, and nothing changes.
    /// </summary>
    /// <param name="force">True to change it all the same, as with a paper clip.</param>
    /// <returns>The disc that is in the drive now; null if there is none to put in, or the guest has locked the drive.</returns>
    public async ValueTask<BlockStorage?> ChangeAsync(bool force = false)
    {
        if (Discs.Count == 0)
        {
            return null;
        }

        int before, next;
        lock (_gate)
        {
            before = _current;
            _current = next = (_current + 1) % Discs.Count;
        }

        if (await Tray.TryChangeAsync(Discs[next], force).ConfigureAwait(false))
        {
            return Discs[next];
        }

        lock (_gate)
        {
            _current = _current == next ? before : _current;
        }

        return null;
    }

    private void PutNextIn(CdTray tray)
    {
        lock (_gate)
        {
            if (Discs.Count < 2 && _current >= 0)
            {
                return; // there is no other disc
            }
        }

        _ = ChangeAsync().AsTask(); // what is left to wait for is the old disc, and nobody closes that
    }
}
