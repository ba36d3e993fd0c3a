using System.Runtime.InteropServices;

namespace Eider.Compare.Processes;

/// <summary>What the figures were taken on.</summary>
public static class HostFacts
{
    /// <summary>Processor, number of them, memory, system.</summary>
    public static string Machine()
    {
        var model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))
            ?.Split(':')[1].Trim() ?? RuntimeInformation.ProcessArchitecture.ToString();
        var memory = File.ReadLines("/proc/meminfo").First().Split(':')[1].Trim().Split(' ')[0];
        return $"{Environment.ProcessorCount} processors ({model}), {long.Parse(memory, null) / (1 << 20)} GiB, {RuntimeInformation.OSDescription}";
    }

    /// <summary>.NET and the peer.</summary>
    public static string Software()
    {
        using var qemu = new HostProcess(["qemu-system-riscv64", "--version"], TimeSpan.FromSeconds(30));
        return $"{RuntimeInformation.FrameworkDescription}, {qemu.WaitFor("\n").Trim()}";
    }
}
