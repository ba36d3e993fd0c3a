using System.ComponentModel;
using System.Diagnostics;

namespace Eider.RiscV.Tests.Comparison;

/// <summary>Runs an image on qemu-system-riscv64; the guest's RAM is a file, which is read when the guest has switched off.</summary>
internal static class QemuMachine
{
    private const string Program = "qemu-system-riscv64";

    /// <summary>
    /// The extensions that Eider has. What QEMU 7.2 turns on by itself and Eider lacks is turned off: the
    /// hypervisor extension, Zbc, debug triggers, performance counters.
    /// </summary>
    private const string Cpu =
        "rv64,zba=true,zbb=true,zbs=true,zbc=false,h=false,v=false,debug=false,pmu-num=0,sstc=true,svnapot=false,svpbmt=false";

    /// <summary>QEMU puts its device tree into the last 16 MiB of RAM; this much is added behind the image for it.</summary>
    private const long SpareBytes = 64 << 20;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    /// <summary>The RAM at the end. A guest that does not switch off in time is ended; then its last block hangs.</summary>
    public static byte[] Run(byte[] image)
    {
        string path = Path.Combine(Path.GetTempPath(), $"eider-compare-{Guid.NewGuid():N}.ram");
        try
        {
            long size = (image.Length + SpareBytes + 0xFFF_FFFF) & ~0xFFF_FFFFL;
            using (FileStream file = new(path, FileMode.CreateNew))
            {
                file.Write(image);
                file.SetLength(size);
            }

            Execute(path, size);
            using FileStream result = File.OpenRead(path);
            byte[] ram = new byte[image.Length];
            result.ReadExactly(ram);
            return ram;
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static void Execute(string path, long size)
    {
        ProcessStartInfo start = new(Program) { RedirectStandardError = true, RedirectStandardOutput = true };
        string[] arguments =
        [
            "-M", "virt,memory-backend=ram", "-object", $"memory-backend-file,id=ram,mem-path={path},size={size},share=on",
            "-m", $"{size >> 20}M", "-cpu", Cpu, "-smp", "1", "-bios", "none", "-accel", "tcg",
            "-display", "none", "-monitor", "none", "-serial", "none", "-nodefaults", "-no-reboot",
        ];
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Start(start);
        Task<string> errors = process.StandardError.ReadToEndAsync();
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(Limit))
        {
            process.Kill();
            process.WaitForExit();
            return;
        }

        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{Program} ended with {process.ExitCode}: {errors.Result}{output.Result}");
        }
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception missing)
        {
            throw new InvalidOperationException(
                $"{Program} is needed for the comparison and cannot be started; on Debian: apt-get install qemu-system-misc", missing);
        }
    }
}
