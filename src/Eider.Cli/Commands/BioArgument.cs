using System.Globalization;
using Eider.Cli.Errors;
using Eider.Devices.BlockIo;
using Eider.Machines;

namespace Eider.Cli.Commands;

/// <summary>The values of <c>--bio</c>: storages, and with any of them the settings of the device that they stand behind.</summary>
internal static class BioArgument
{
    /// <summary>Help of the option.</summary>
    public const string Help =
        "A storage of a BIO (ducky's Block IO), with the id by which the guest selects it: FILE,sid=N, or mem:SIZE or http(s)://..., with settings after commas: "
        + "ro, block-size=N (default 1024), format=raw|qcow2|luks, chain=none|any|DIR, key=FILE, layers=A+B, overlay=mem; device=N for another BIO than the first, "
        + "and once for each BIO address=0xN (default 0x8400 + N * 0x100), interrupt, irq=N (default 2 + N), write-back.";

    private const string Option = "--bio";
    private const int MostDevices = 64;

    /// <summary>Adds storages to the devices of a machine, and the devices that it has not got.</summary>
    /// <exception cref="CliException">A setting is unknown, has a bad value, or is given to one device twice.</exception>
    public static void AddTo(MachineConfiguration machine, IReadOnlyList<string> values)
    {
        foreach (var value in values)
        {
            var list = CommaList.Parse(
                Option, value, "sid", "ro", "block-size", "format", "chain", "key", "layers", "overlay", "device", "address", "interrupt", "irq", "write-back");
            if (list.First.Length == 0)
            {
                throw new CliException(ExitCode.Usage, $"{Option} {value}: names no file; expected FILE,sid=N");
            }

            var number = list.Number("device", 0, MostDevices - 1) ?? 0;
            if (number > machine.Bio.Count)
            {
                throw new CliException(ExitCode.Usage, string.Create(
                    CultureInfo.InvariantCulture, $"{Option} {list.First}: device is '{number}', expected at most {machine.Bio.Count}, the next one"));
            }

            if (number == machine.Bio.Count)
            {
                machine.Bio = [.. machine.Bio, new BioConfiguration()];
            }

            var device = machine.Bio[number];
            device.Storages = [.. device.Storages, Storage(list)];
            device.Address = Once(list, "address", device.Address, list.Address("address", (int)BioDevice.SizeBytes));
            device.Irq = Once(list, "irq", device.Irq, list.Number("irq", 1, 95));
            device.Interrupt |= list.Flag("interrupt");
            device.WriteBack |= list.Flag("write-back");
        }
    }

    private static BioStorageConfiguration Storage(CommaList list) => new()
    {
        Sid = Sid(list),
        Image = list.First,
        BlockSize = list.Number("block-size", BioLimits.WordBytes, BioLimits.MaxBlockBytes) ?? BioLimits.BlockBytes,
        ReadOnly = list.Flag("ro"),
        Format = DiskArgument.Format(Option, list),
        Chain = list.Value("chain") ?? "none",
        KeyFile = list.Value("key"),
        Layers = list.Value("layers")?.Split('+') ?? [],
        Overlay = DiskArgument.Overlay(Option, list),
    };

    private static uint Sid(CommaList list)
    {
        var text = list.Value("sid")
            ?? throw new CliException(ExitCode.Usage, $"{Option} {list.First}: names no id, expected FILE,sid=N");
        return uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var sid)
            ? sid
            : throw new CliException(ExitCode.Usage, $"{Option} {list.First}: sid is '{text}', expected a number from 0 to {uint.MaxValue}");
    }

    private static T? Once<T>(CommaList list, string key, T? before, T? now)
        where T : struct =>
        before is null || now is null
            ? now ?? before
            : throw new CliException(ExitCode.Usage, $"{Option} {list.First}: '{key}' is given to this BIO a second time, expected once");
}
