using System.Globalization;
using System.Text;

namespace Eider.Cli.Provisioning;

/// <summary>
/// Writes a cpio archive in the "newc" format, the kernel's for an initramfs
/// (Linux Documentation/driver-api/early-userspace/buffer-format.rst). Every owner is 0:0.
/// </summary>
/// <param name="output">Where it goes; not disposed.</param>
internal sealed class CpioWriter(Stream output)
{
    private const int Directory = 0x4000;
    private const int CharacterDevice = 0x2000;
    private const int RegularFile = 0x8000;
    private const int SymbolicLink = 0xA000;

    private long _position;
    private int _inode;

    /// <summary>Adds a folder; its parents must have been added.</summary>
    public void AddDirectory(string path) => Add(path, Directory | Octal(755), []);

    /// <summary>Adds a file.</summary>
    /// <param name="path">Without a leading slash.</param>
    /// <param name="content">The content.</param>
    /// <param name="executable">True for mode 755, else 644.</param>
    public void AddFile(string path, ReadOnlySpan<byte> content, bool executable) =>
        Add(path, RegularFile | Octal(executable ? 755 : 644), content);

    /// <summary>Adds a symbolic link.</summary>
    public void AddLink(string path, string target) => Add(path, SymbolicLink | Octal(777), Encoding.UTF8.GetBytes(target));

    /// <summary>Adds a character device.</summary>
    public void AddCharacterDevice(string path, int major, int minor) =>
        Add(path, CharacterDevice | Octal(600), [], major, minor);

    /// <summary>Ends the archive.</summary>
    public void Finish() => Add("TRAILER!!!", 0, []);

    private static int Octal(int digits) => Convert.ToInt32(digits.ToString(CultureInfo.InvariantCulture), 8);

    // c_magic, c_ino, c_mode, c_uid, c_gid, c_nlink, c_mtime, c_filesize, c_maj, c_min, c_rmaj, c_rmin, c_namesize, c_chksum:
    // each eight hexadecimal digits; name with its NUL and content are padded to 4 bytes.
    private void Add(string path, int mode, ReadOnlySpan<byte> content, int major = 0, int minor = 0)
    {
        var name = Encoding.UTF8.GetBytes(path + "\0");
        _inode++;
        int[] fields = [_inode, mode, 0, 0, 1, 0, content.Length, 0, 0, major, minor, name.Length, 0];
        var header = new StringBuilder("070701");
        foreach (var field in fields)
        {
            header.Append(field.ToString("X8", CultureInfo.InvariantCulture));
        }

        Write(Encoding.ASCII.GetBytes(header.ToString()));
        Write(name);
        Pad();
        Write(content);
        Pad();
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        output.Write(bytes);
        _position += bytes.Length;
    }

    private void Pad() => Write(stackalloc byte[(int)(-_position & 3)]);
}
