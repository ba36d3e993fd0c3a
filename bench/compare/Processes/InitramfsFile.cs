using System.Globalization;
using System.Text;

namespace Eider.Compare.Processes;

/// <summary>
/// Puts files into an initramfs by adding a second archive behind the first: the kernel unpacks one after the other, and a
/// file of the second replaces its namesake.
/// </summary>
public static class InitramfsFile
{
    private const int Alignment = 4;
    private const int Executable = 0x81ED; // a file, rwxr-xr-x

    /// <summary>Writes the new initramfs.</summary>
    /// <param name="initramfs">The one that is there.</param>
    /// <param name="path">The new one.</param>
    /// <param name="programs">Name in the guest and file of each program.</param>
    public static void Extend(string initramfs, string path, params (string Name, string File)[] programs)
    {
        ArgumentNullException.ThrowIfNull(programs);
        File.Copy(initramfs, path);
        using var output = new FileStream(path, FileMode.Append);
        Pad(output);
        foreach (var (name, file) in programs)
        {
            WriteEntry(output, name, Executable, File.ReadAllBytes(file));
        }

        WriteEntry(output, "TRAILER!!!", 0, []);
    }

    // The kernel's Documentation/driver-api/early-userspace/buffer-format: thirteen fields of eight hexadecimal digits.
    private static void WriteEntry(FileStream output, string name, int mode, byte[] content)
    {
        int[] fields = [0, mode, 0, 0, 1, 0, content.Length, 0, 0, 0, 0, name.Length + 1, 0];
        var header = new StringBuilder("070701");
        foreach (var field in fields)
        {
            header.Append(field.ToString("X8", CultureInfo.InvariantCulture));
        }

        output.Write(Encoding.ASCII.GetBytes(header + name + "\0"));
        Pad(output);
        output.Write(content);
        Pad(output);
    }

    private static void Pad(FileStream output)
    {
        while (output.Position % Alignment != 0)
        {
            output.WriteByte(0);
        }
    }
}
