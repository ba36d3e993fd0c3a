using System.Buffers.Binary;
using Eider.Hardware.Memory;
using Eider.Machines.Kernels;

namespace Eider.Machines.Tests.Kernels;

/// <summary>Ducky's boot image: made, looked at, loaded, refused.</summary>
public sealed class BootImageTests : IDisposable
{
    private const ulong Base = 0x8003_0000;

    private readonly string _path = Path.Combine(Path.GetTempPath(), $"eider-boot-{Guid.NewGuid():n}");

    public void Dispose() => File.Delete(_path);

    [Theory]
    [InlineData(1, 2)]
    [InlineData(1024, 2)]
    [InlineData(1025, 3)]
    public void A_flat_program_follows_the_header_in_whole_blocks(int bytes, uint blocks)
    {
        var program = Enumerable.Range(1, bytes).Select(i => (byte)(i % 251)).ToArray();
        var image = BootImage.Make(Write(program));
        Assert.Equal((int)blocks * 1024, image.Length);
        Assert.Equal(blocks, BinaryPrimitives.ReadUInt32LittleEndian(image));
        Assert.False(image.AsSpan(4, 1020).ContainsAnyExcept((byte)0));
        Assert.Equal(program, image[1024..(1024 + bytes)]);
        Assert.False(image.AsSpan(1024 + bytes).ContainsAnyExcept((byte)0));
        Assert.Equal(new BootImageInfo(blocks, (blocks - 1) * 1024, 0), BootImage.Inspect(Write(image)));
    }

    // As it lies in memory, with the zeroes of its .bss.
    [Fact]
    public void An_ELF_program_lies_where_it_is_linked_to()
    {
        var elf = TestImages.Elf(Base, memoryBytes: 3000);
        var image = BootImage.Make(Write(elf));
        Assert.Equal(4 * 1024, image.Length);
        Assert.Equal(elf[0x78..], image[1024..1040]);
        Assert.False(image.AsSpan(1040).ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void The_board_puts_the_program_to_its_place_as_duckys_loader_does()
    {
        var program = Enumerable.Range(0, 2048).Select(i => (byte)(i % 7)).ToArray();
        var image = BootImage.Make(Write(program));
        using var ram = new GuestRam((0x8000_0000, 1 << 20));
        var loaded = BootImage.Load(Write([.. image, 1, 2, 3]), ram);
        Assert.Equal(new LoadedImage(KernelFormat.BootImage, Base, Base + 2048, Base, BootMode.Machine), loaded);
        Assert.Equal(Base, BoardLayout.BootImageBase);
        var read = new byte[2050];
        Assert.True(ram.TryRead(Base - 1, read));
        Assert.Equal([0, .. program, 0], read);
        Assert.Equal(3, BootImage.Inspect(_path).RestBytes);
    }

    [Fact]
    public void What_is_no_program_for_it_is_refused()
    {
        AssertRefused(() => BootImage.Make(Write([])), "found an empty file, expected a program");
        AssertRefused(() => BootImage.Make(Write(TestImages.Elf())), "found a segment at 0x80000000, expected a program that is linked to 0x80030000");
        AssertRefused(() => BootImage.Make(Write(TestImages.Elf(Base, entry: Base + 4))), "found the entry point 0x80030004, expected 0x80030000, where loaders jump to");
        AssertRefused(() => BootImage.Make(Write(TestImages.Elf(Base, machine: 62))), "found an ELF file for ");
        AssertRefused(
            () => BootImage.Make(Write(TestImages.Elf(Base, memoryBytes: 1UL << 40))), "found a program of at least 1099511627776 bytes, expected at most 67108864");
        AssertRefused(() => BootImage.Make(Write(TestImages.Elf(ulong.MaxValue - 100, memoryBytes: 50))), "found a program of at least ");
    }

    [Fact]
    public void What_is_no_boot_image_is_refused()
    {
        AssertRefused(() => BootImage.Inspect(Write([])), "found 0 bytes, expected a boot image: ");
        AssertRefused(() => BootImage.Inspect(Write(TestImages.Flat(4096))), "found other bytes than zeroes behind the first word, expected a boot image: ");
        foreach (var blocks in new[] { 0U, 1U, 4U, uint.MaxValue })
        {
            var image = new byte[3 * 1024];
            BinaryPrimitives.WriteUInt32LittleEndian(image, blocks);
            AssertRefused(() => BootImage.Inspect(Write(image)), $"found {blocks} as the number of blocks, expected 2 to 3, which the file has");
        }
    }

    [Fact]
    public void One_that_does_not_fit_is_refused_and_so_is_one_that_is_missing()
    {
        var image = BootImage.Make(Write(new byte[70_000]));
        using var ram = new GuestRam((0x8000_0000, 0x4_0000));
        var error = Assert.Throws<MachineConfigurationException>(() => BootImage.Load(Write(image), ram));
        Assert.Equal($"{_path}: its 70656 bytes from 0x80030000 on do not lie in RAM; give more memory", error.Message);
        Assert.Equal(
            MachineErrorKind.MissingInput, Assert.Throws<MachineConfigurationException>(() => BootImage.Load(_path + ".missing", ram)).Kind);
    }

    [Fact]
    public async Task A_kernel_and_a_boot_image_are_one_too_many()
    {
        var error = await Assert.ThrowsAsync<MachineConfigurationException>(
            () => Machine.CreateAsync(new MachineConfiguration { Kernel = "k", BootImage = "b" }));
        Assert.StartsWith("$.bootImage: found a kernel and a boot image, expected one of them", error.Message, StringComparison.Ordinal);
    }

    private void AssertRefused(Action action, string message)
    {
        var error = Assert.Throws<MachineConfigurationException>(action);
        Assert.StartsWith($"{_path}: {message}", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', error.Message);
    }

    private string Write(byte[] content)
    {
        File.WriteAllBytes(_path, content);
        return _path;
    }
}
