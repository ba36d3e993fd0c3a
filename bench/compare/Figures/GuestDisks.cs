using System.Globalization;
using Eider.Compare.Processes;

namespace Eider.Compare.Figures;

/// <summary>Disks that a Linux guest reads past its page cache, and what it says of it (bench/guests/init).</summary>
internal static class GuestDisks
{
    /// <summary>Said when the guest waits for commands.</summary>
    public const string Ready = "bench: ready";

    private const string Done = "bench: done 0";
    private const int PieceBytes = 4096;

    /// <summary>How long a guest may live.</summary>
    public static TimeSpan Patience => TimeSpan.FromMinutes(6);

    /// <summary>Size of the image.</summary>
    public static int Mebibytes(BenchContext context) => context.Options.IsQuick ? 64 : 512;

    /// <summary>How many small reads a run makes.</summary>
    public static int Reads(BenchContext context) => context.Options.IsQuick ? 1000 : 5000;

    /// <summary>Reads a whole disk with direct I/O, the guest's clock before and after.</summary>
    public static string Dd(string disk, int mebibytes) => string.Create(
        CultureInfo.InvariantCulture, $"/reads; dd if={disk} of=/dev/null bs=1M iflag=direct count={mebibytes} 2>/dev/null && /reads");

    /// <summary>What it took, by the two clocks that it printed: busybox's dd may say nothing of time.</summary>
    public static double SecondsOfDd(string text)
    {
        var clock = text.Split('\n').Take(2).Select(line => long.Parse(line, CultureInfo.InvariantCulture)).ToArray();
        return (clock[1] - clock[0]) / 1e9;
    }

    /// <summary>What small reads took, as their program says.</summary>
    public static double SecondsOfReads(string text) => long.Parse(text.Trim().Split('\n')[0], CultureInfo.InvariantCulture) / 1e9;

    /// <summary>Runs a command in a guest that is ready.</summary>
    public static string Run(HostProcess guest, string command)
    {
        guest.Send(command);
        return guest.WaitFor(Done).Replace("\r", "", StringComparison.Ordinal).Trim('\n');
    }

    /// <summary>Makes an image; some bytes of each MiB are random.</summary>
    public static string Make(BenchContext context, string name)
    {
        var path = Path.Combine(context.Scratch, name);
        using var file = new FileStream(path, FileMode.CreateNew);
        var random = new Random(1);
        var piece = new byte[1 << 20];
        for (var i = 0; i < Mebibytes(context); i++)
        {
            random.NextBytes(piece.AsSpan(0, PieceBytes));
            file.Write(piece);
        }

        return path;
    }
}
