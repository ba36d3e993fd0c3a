using System.Buffers.Binary;
using System.Diagnostics;
using System.Text;

namespace Eider.Cli.Tests.Terminal;

/// <summary>The command on a terminal, which <c>script</c> (util-linux) makes.</summary>
public sealed class UserTerminalTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    // Writes R to the serial port at 0x1000_0000, then writes back every byte that it reads from there.
    private static readonly uint[] Echo =
    [
        0x1000_0537, // lui a0, 0x10000
        0x0520_0593, // li a1, 'R'
        0x00B5_0023, // sb a1, 0(a0)
        0x0055_4603, // loop: lbu a2, 5(a0)
        0x0016_7613, // andi a2, a2, 1
        0xFE06_0CE3, // beqz a2, loop
        0x0005_4583, // lbu a1, 0(a0)
        0x00B5_0023, // sb a1, 0(a0)
        0xFEDF_F06F, // j loop
    ];

    // Writes R to the serial port without end.
    private static readonly uint[] Flood =
    [
        0x1000_0537, // lui a0, 0x10000
        0x0520_0593, // li a1, 'R'
        0x00B5_0023, // loop: sb a1, 0(a0)
        0xFFDF_F06F, // j loop
    ];

    [Fact]
    public async Task Every_key_goes_to_the_guest_at_once_and_only_the_guest_answers_it()
    {
        using var folder = new TemporaryFolder();
        using var script = StartEcho(folder);

        await ReadUntilAsync(script, "R");
        await TypeAsync(script, "k\u0003\u0004\u001a.");
        var echoed = await ReadUntilAsync(script, ".");
        await TypeAsync(script, "\u0001x");
        var left = await ReadUntilAsync(script, "code ");

        Assert.Equal("k\u0003\u0004\u001a.", echoed);
        Assert.Equal("code ", left);
        Assert.Equal('0', (char)script.StandardOutput.Read());
    }

    [Fact]
    public async Task Ctrl_A_C_puts_the_next_disc_in_and_Ctrl_A_H_tells_the_keys()
    {
        using var folder = new TemporaryFolder();
        foreach (var disc in (string[])["one.iso", "two.iso"])
        {
            await File.WriteAllBytesAsync(folder.At(disc), new byte[64 << 10], TestContext.Current.CancellationToken);
        }

        using var script = StartEcho(folder, options: "--cdrom one.iso --cdrom two.iso");
        await ReadUntilAsync(script, "R");
        await TypeAsync(script, "\u0001c");
        Assert.Contains("two.iso is in the drive", await ReadUntilAsync(script, "drive\r\n"), StringComparison.Ordinal);
        await TypeAsync(script, "\u0001C");
        Assert.Contains("one.iso is in the drive", await ReadUntilAsync(script, "drive\r\n"), StringComparison.Ordinal);
        await TypeAsync(script, "\u0001h");
        Assert.Contains("Ctrl-A C puts the next disc", await ReadUntilAsync(script, "tells these keys"), StringComparison.Ordinal);
        await TypeAsync(script, "\u0001x");
        await ReadUntilAsync(script, "code 0");
    }

    [Fact]
    public async Task Without_a_drive_Ctrl_A_C_says_how_to_have_one()
    {
        using var folder = new TemporaryFolder();
        using var script = StartEcho(folder);
        await ReadUntilAsync(script, "R");
        await TypeAsync(script, "\u0001c");
        Assert.Contains("there is no disc", await ReadUntilAsync(script, "--cdrom FILE"), StringComparison.Ordinal);
        await TypeAsync(script, "\u0001x");
        await ReadUntilAsync(script, "code 0");
    }

    [Fact]
    public async Task Leaving_gives_the_terminal_back_as_it_was()
    {
        using var folder = new TemporaryFolder();
        using var script = StartEcho(folder, "stty -g > before; ", "; stty -g > after");

        await ReadUntilAsync(script, "R");
        await TypeAsync(script, "\u0001x");
        await ReadUntilAsync(script, "code 0");
        await script.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience, TestContext.Current.CancellationToken);

        var before = await File.ReadAllTextAsync(folder.At("before"), TestContext.Current.CancellationToken);
        Assert.NotEqual("", before);
        Assert.Equal(before, await File.ReadAllTextAsync(folder.At("after"), TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("run --kernel flood.elf </dev/null | head -c 1", 141, "")]
    [InlineData("run --kernel flood.elf </dev/null > /dev/full", 74, "eider: No space left on device")]
    public async Task Output_that_nobody_takes_any_more_ends_the_machine(string command, int code, string errors)
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllBytesAsync(folder.At("flood.elf"), Elf(Flood), TestContext.Current.CancellationToken);
        var eider = Path.Combine(AppContext.BaseDirectory, "eider");
        using var shell = Process.Start(new ProcessStartInfo("bash", ["-c", $"'{eider}' {command}; echo \"code ${{PIPESTATUS[0]}}\" >&2"])
        {
            WorkingDirectory = folder.Path,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;

        var said = await shell.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(Patience, TestContext.Current.CancellationToken);

        Assert.StartsWith(errors, said, StringComparison.Ordinal);
        Assert.EndsWith($"code {code}\n", said, StringComparison.Ordinal);
        Assert.True(errors.Length > 0 || said.StartsWith("code", StringComparison.Ordinal), said);
    }

    private static Process StartEcho(TemporaryFolder folder, string first = "", string last = "", string options = "")
    {
        File.WriteAllBytes(folder.At("echo.elf"), Elf(Echo));
        var eider = Path.Combine(AppContext.BaseDirectory, "eider");
        return Process.Start(new ProcessStartInfo("script", ["-qec", $"{first}'{eider}' run --kernel echo.elf {options}; printf 'code %d\\n' $?{last}", "/dev/null"])
        {
            WorkingDirectory = folder.Path,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            StandardOutputEncoding = Encoding.Latin1,
            StandardInputEncoding = Encoding.Latin1,
        })!;
    }

    private static async Task TypeAsync(Process script, string keys)
    {
        await script.StandardInput.WriteAsync(keys);
        await script.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
    }

    private static async Task<string> ReadUntilAsync(Process script, string end)
    {
        using var late = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        late.CancelAfter(Patience);
        var text = new StringBuilder();
        var one = new char[1];
        try
        {
            while (!text.ToString().EndsWith(end, StringComparison.Ordinal) && await script.StandardOutput.ReadAsync(one, late.Token) > 0)
            {
                text.Append(one[0]);
            }
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            script.Kill(entireProcessTree: true);
            Assert.Fail($"waited for '{end}', found '{text}'");
        }

        return text.ToString();
    }

    // System V ABI, ELF header and one loadable segment, at the start of RAM.
    private static byte[] Elf(uint[] code)
    {
        const int Header = 64;
        const int ProgramHeader = 56;
        const ulong Start = 0x8000_0000;
        var file = new byte[Header + ProgramHeader + (code.Length * 4)];
        "\u007fELF\u0002\u0001\u0001"u8.CopyTo(file);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(16), 2);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(18), 243);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(20), 1);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(24), Start);
        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(32), Header);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(52), Header);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(54), ProgramHeader);
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(56), 1);
        var segment = file.AsSpan(Header);
        BinaryPrimitives.WriteUInt32LittleEndian(segment, 1);
        BinaryPrimitives.WriteUInt32LittleEndian(segment[4..], 5);
        BinaryPrimitives.WriteUInt64LittleEndian(segment[8..], Header + ProgramHeader);
        BinaryPrimitives.WriteUInt64LittleEndian(segment[16..], Start);
        BinaryPrimitives.WriteUInt64LittleEndian(segment[24..], Start);
        BinaryPrimitives.WriteUInt64LittleEndian(segment[32..], (ulong)code.Length * 4);
        BinaryPrimitives.WriteUInt64LittleEndian(segment[40..], (ulong)code.Length * 4);
        BinaryPrimitives.WriteUInt64LittleEndian(segment[48..], 4);
        for (var i = 0; i < code.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(segment[(ProgramHeader + (i * 4))..], code[i]);
        }

        return file;
    }
}
