using Eider.Machines;

namespace Eider.GuestTests;

/// <summary>A machine-mode firmware in place of the built-in SBI.</summary>
[Trait("Category", "Slow")]
public sealed class FirmwareTests
{
    // Debian's package opensbi.
    private const string Folder = "/usr/lib/riscv64-linux-gnu/opensbi/generic/";

    [Theory]
    [InlineData("fw_jump.elf", 1)]
    [InlineData("fw_dynamic.bin", 2)]
    public async Task A_stock_kernel_boots_under_OpenSBI_and_powers_off(string firmware, int harts)
    {
        Assert.True(File.Exists(Folder + firmware), $"no {Folder}{firmware}; install the package opensbi");
        var files = await GuestSuite.FilesAsync("trixie");
        await using var machine = await Machine.StartAsync(new MachineConfiguration
        {
            Harts = harts,
            Firmware = Folder + firmware,
            Kernel = files.Kernel,
            Initrd = files.Initrd,
            CommandLine = "console=ttyS0 root=/dev/vda rw cryptomgr.notests",
            Disks = [new DiskConfiguration { Image = files.Root, Overlay = DiskOverlay.Memory }],
        });

        await machine.Console.WaitForAsync("eider:~# ", cancellationToken: TestContext.Current.CancellationToken);
        var answer = await machine.Console.RunAsync("nproc; dmesg | grep -c 'SBI implementation ID=0x1 '", "eider:~# ");
        await machine.Console.SendLineAsync("poweroff", TestContext.Current.CancellationToken);
        var exit = await machine.WaitForExitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);

        Assert.Equal($"{harts}\n1\n", answer); // implementation 1 is OpenSBI
        Assert.Contains("OpenSBI v", machine.Console.Transcript, StringComparison.Ordinal);
        Assert.Equal(MachineExitReason.PoweredOff, exit.Reason);
    }
}
