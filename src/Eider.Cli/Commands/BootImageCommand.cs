using System.CommandLine;
using System.Globalization;
using Eider.Cli.Commands.Img;
using Eider.Cli.Errors;
using Eider.Cli.Images;
using Eider.Machines;
using Eider.Machines.Kernels;
using Eider.Storage;

namespace Eider.Cli.Commands;

/// <summary><c>eider bootimage</c>: makes and lists ducky's boot images.</summary>
internal static class BootImageCommand
{
    /// <summary>The group with its commands.</summary>
    public static Command Create()
    {
        var group = new Command("bootimage", "Make and list boot images of ducky, which a loader reads through a BIO (docs/devices/bio.md).");
        group.Subcommands.Add(CreateMake());
        group.Subcommands.Add(CreateList());
        return group;
    }

    private static Command CreateMake()
    {
        var program = new Argument<string>("PROGRAM")
        {
            Description = string.Create(
                CultureInfo.InvariantCulture, $"A flat binary, or an ELF program for riscv64 linked to 0x{BoardLayout.BootImageBase:x}."),
        };
        var image = new Argument<string>("IMAGE") { Description = "Where the image shall be; one that is there is replaced." };
        return ImgAction.Command(
            "make", "Make a boot image of a program. It takes its name when it is complete.", [program, image],
            (result, output, cancellationToken) => MakeAsync(result.GetRequiredValue(program), result.GetRequiredValue(image), output, cancellationToken));
    }

    private static Command CreateList()
    {
        var image = new Argument<string>("IMAGE") { Description = "The boot image." };
        return ImgAction.Command(
            "list", "Tell what a boot image holds.", [image], (result, output, _) => ListAsync(result.GetRequiredValue(image), output));
    }

    private static async Task<ExitCode> MakeAsync(string program, string image, ImgOutput output, CancellationToken cancellationToken)
    {
        var bytes = BootImage.Make(program);
        await using (var file = await PendingFile.BeginAsync(image, isDirect: false))
        {
            try
            {
                await file.Storage.ResizeAsync(bytes.Length, cancellationToken);
                await file.Storage.WriteAsync(0, bytes, cancellationToken);
                await file.Storage.FlushAsync(cancellationToken);
                await file.Storage.DisposeAsync();
            }
            catch (BlockStorageException failure)
            {
                throw file.Renamed(failure);
            }

            file.Complete();
        }

        return await ListAsync(image, output);
    }

    private static async Task<ExitCode> ListAsync(string image, ImgOutput output)
    {
        var info = BootImage.Inspect(image);
        var first = BoardLayout.BootImageBase;
        await output.PrintAsync(
            text => text.Append(CultureInfo.InvariantCulture, $"image:   {image}\n")
                .Append(CultureInfo.InvariantCulture, $"blocks:  {info.Blocks} of {BootImage.BlockBytes} bytes, the first one the header\n")
                .Append(CultureInfo.InvariantCulture, $"program: {info.ProgramBytes} bytes, for 0x{first:x} to 0x{first + (ulong)info.ProgramBytes - 1:x}\n")
                .Append(info.RestBytes == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"rest:    {info.RestBytes} bytes, which no loader reads\n")),
            json =>
            {
                json.WriteStartObject();
                json.WriteString("filename", image);
                json.WriteNumber("blocks", info.Blocks);
                json.WriteNumber("program-bytes", info.ProgramBytes);
                json.WriteNumber("address", first);
                json.WriteNumber("rest-bytes", info.RestBytes);
                json.WriteEndObject();
            });
        return ExitCode.Ok;
    }
}
