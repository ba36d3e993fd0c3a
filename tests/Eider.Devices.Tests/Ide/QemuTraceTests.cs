using Eider.Devices.Ide;
using Eider.Devices.Tests.Virtio.Block;
using Eider.Testing.Ide;
using Eider.Testing.Qemu;

namespace Eider.Devices.Tests.Ide;

/// <summary>
/// One script of register accesses on QEMU's controllers and on ours: every difference is one of the list, which
/// docs/devices/ide.md explains, and every entry of the list is seen.
/// </summary>
[Trait("Category", "Slow")]
public sealed class QemuTraceTests : IDisposable
{
    private const int CdBlocks = 1000;

    private readonly string _directory = Directory.CreateTempSubdirectory("eider-ide").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task PIIX3_of_QEMU_and_ours_answer_alike_but_for_what_is_explained()
    {
        var (disk, cd) = WriteImages();
        using var qemu = new QtestConnection(
            "qemu-system-x86_64", "-machine", "pc", "-drive", $"file={disk},format=raw,if=none,id=d0",
            "-device", "ide-hd,bus=ide.0,unit=0,drive=d0,serial=SER-1,model=MODEL-1,ver=1.0",
            "-drive", $"file={cd},format=raw,if=none,id=c0,readonly=on", "-device", "ide-cd,bus=ide.1,unit=0,drive=c0,ver=1.0");
        qemu.Send("irq_intercept_in ioapic");
        qemu.Send("outl 0xcf8 0x80000920");
        qemu.Send("outl 0xcfc 0xc101");
        qemu.Send("outl 0xcf8 0x80000904");
        qemu.Send("outl 0xcfc 0x5");
        await Compare(
            new QtestIdeDriver(qemu, 0x1F0, 0x3F6, 0xC100, () => qemu.IsRaised(14)),
            new QtestIdeDriver(qemu, 0x170, 0x376, 0xC108, () => qemu.IsRaised(15)));
    }

    // There is no interrupt to intercept on that machine: the controller's latch tells.
    [Fact]
    public async Task CMD646_of_QEMU_and_ours_answer_alike_but_for_what_is_explained()
    {
        const ulong Ports = 0x801_fc00_0000;
        const ulong Config = 0x801_fe00_0800;
        var (disk, cd) = WriteImages();
        using var qemu = new QtestConnection(
            "qemu-system-alpha", "-machine", "clipper", "-m", "128M", "-drive", $"file={disk},format=raw,if=none,id=d0",
            "-device", "ide-hd,bus=ide.0,unit=0,drive=d0,serial=SER-1,model=MODEL-1,ver=1.0",
            "-drive", $"file={cd},format=raw,if=none,id=c0,readonly=on", "-device", "ide-cd,bus=ide.1,unit=0,drive=c0,ver=1.0");
        for (var bar = 0; bar < 5; bar++)
        {
            qemu.Send($"writel 0x{Config + 0x10 + (ulong)(bar * 4):x} 0x{0x1C01 + (bar * 0x10):x}");
        }

        qemu.Send($"writew 0x{Config + 4:x} 0x5");
        qemu.Send("writeq 0x80180000000 0x40000001");
        qemu.Send("writeq 0x80180000100 0x3ff00000");
        qemu.Send("writeq 0x80180000200 0x0");
        bool IsRaised(uint bit) => (qemu.Read($"readb 0x{Config + 0x71:x}") & bit) != 0;
        await Compare(
            new QtestIdeDriver(qemu, 0x1C00, 0x1C12, 0x1C40, () => IsRaised(4)) { PortWindow = Ports, DmaOffset = 0x4000_0000 },
            new QtestIdeDriver(qemu, 0x1C20, 0x1C32, 0x1C48, () => IsRaised(8)) { PortWindow = Ports, DmaOffset = 0x4000_0000 });
    }

    private static async Task Compare(IdeDriver qemuDisk, IdeDriver qemuCd)
    {
        await using var disk = new IdeTestBench(IdeDisks.Disk(IdeDisks.Numbered()));
        await using var cd = new IdeTestBench(new IdeCdrom { Medium = new ScriptedStorage(IdeDisks.Content(CdBlocks * 4)) });
        var theirs = new IdeTrace();
        var ours = new IdeTrace();
        IdeScript.RunDisk(qemuDisk, theirs);
        IdeScript.RunDisk(disk, ours);
        IdeScript.RunCd(qemuCd, theirs);
        IdeScript.RunCd(cd, ours);
        var seen = ours.DifferencesFrom(theirs);
        Assert.Equal(string.Join('\n', IdeDifferences.Expected), string.Join('\n', seen));
    }

    private (string Disk, string Cd) WriteImages()
    {
        var (disk, cd) = (Path.Combine(_directory, "disk.raw"), Path.Combine(_directory, "cd.iso"));
        File.WriteAllBytes(disk, IdeDisks.Content(IdeDisks.Sectors));
        File.WriteAllBytes(cd, IdeDisks.Content(CdBlocks * 4));
        return (disk, cd);
    }
}
