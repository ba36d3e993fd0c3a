using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Eider.Storage.Formats.Qcow2;

namespace Eider.Cli.QemuImg;

/// <summary>The list of internal snapshots, as <c>snapshot -l</c> and <c>info</c> print it.</summary>
internal static class QemuSnapshotTable
{
    private const ulong Second = 1_000_000_000;

    /// <summary>For people, with the title; empty if there are none.</summary>
    public static string Text(IReadOnlyList<Qcow2Snapshot> snapshots)
    {
        if (snapshots.Count == 0)
        {
            return "";
        }

        var text = new StringBuilder("Snapshot list:\n");
        text.Append(CultureInfo.InvariantCulture, $"{"ID",-10}{"TAG",-17}{"VM SIZE",8}{"DATE",20}{"VM CLOCK",13}{"ICOUNT",11}\n");
        foreach (var snapshot in snapshots)
        {
            var date = DateTimeOffset.FromUnixTimeSeconds(snapshot.DateSeconds).ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
            text.Append(
                CultureInfo.InvariantCulture,
                $"{snapshot.Id,-9} {snapshot.Name,-16} {QemuSizes.Print((long)snapshot.StateBytes),8}{date,20}{Clock(snapshot),13}{InstructionsOf(snapshot),11}\n");
        }

        return text.ToString();
    }

    /// <summary>For programs.</summary>
    public static Dictionary<string, object> Json(Qcow2Snapshot snapshot)
    {
        var value = new Dictionary<string, object>
        {
            ["id"] = snapshot.Id,
            ["name"] = snapshot.Name,
            ["vm-state-size"] = snapshot.StateBytes,
            ["date-sec"] = snapshot.DateSeconds,
            ["date-nsec"] = snapshot.DateNanoseconds,
            ["vm-clock-sec"] = snapshot.GuestClockNanoseconds / Second,
            ["vm-clock-nsec"] = snapshot.GuestClockNanoseconds % Second,
        };
        if (InstructionsOf(snapshot) is { } count)
        {
            value["icount"] = count;
        }

        return value;
    }

    private static string Clock(Qcow2Snapshot snapshot)
    {
        var seconds = snapshot.GuestClockNanoseconds / Second;
        var milliseconds = snapshot.GuestClockNanoseconds / 1_000_000 % 1000;
        return string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:00}:{seconds / 60 % 60:00}:{seconds % 60:00}.{milliseconds:000}");
    }

    /// <summary>The count of instructions, the third field of the extra data; null if it was not counted.</summary>
    private static long? InstructionsOf(Qcow2Snapshot snapshot) =>
        snapshot.UnknownExtra.Length >= 8 && BinaryPrimitives.ReadInt64BigEndian(snapshot.UnknownExtra.Span) is not -1 and var count ? count : null;
}
