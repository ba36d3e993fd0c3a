using System.Buffers.Binary;
using System.IO.Compression;
using Eider.Hardware.Memory;
using Eider.Machines.Kernels;

namespace Eider.Machines.Tests.Kernels;

public sealed class KernelLoaderTests : IDisposable
{
    private const long MiB = 1 << 20;

    private readonly string _path = Path.GetTempFileName();
    private readonly GuestRam _ram = new((0x8000_0000, 4 * (ulong)MiB));

    public void Dispose()
    {
        File.Delete(_path);
        _ram.Dispose();
    }

    [Fact]
    public void A_flat_Image_lies_at_its_text_offset_and_begins_there_in_supervisor_mode()
    {
        var image = TestImages.Flat(3000, imageSize: 0x5000);
        var loaded = Load(image);
        Assert.Equal(new LoadedImage(KernelFormat.FlatImage, 0x8020_0000, 0x8020_5000, 0x8020_0000, BootMode.Supervisor), loaded);
        Assert.Equal(image, Memory(0x8020_0000, 3000));
    }

    [Fact]
    public void A_compressed_Image_is_unpacked()
    {
        var image = TestImages.Flat(200_000, imageSize: 0);
        var loaded = Load(Gzip(image));
        Assert.Equal(0x8020_0000UL + 200_000, loaded.End);
        Assert.Equal(image, Memory(0x8020_0000, 200_000));
    }

    // Linux drivers/firmware/efi/libstub/zboot-header.S: "MZ", "zimg", payload offset and size, method at 24.
    [Fact]
    public void An_EFI_zboot_image_is_unpacked()
    {
        var image = TestImages.Flat(5000);
        var packed = Gzip(image);
        var file = new byte[100 + packed.Length + 9];
        "MZ\0\0zimg"u8.CopyTo(file);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(8), 100);
        BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(12), (uint)packed.Length);
        "gzip"u8.CopyTo(file.AsSpan(24));
        packed.CopyTo(file.AsSpan(100));
        Assert.Equal(0x8020_0000UL, Load(file).EntryPoint);
        Assert.Equal(image, Memory(0x8020_0000, 5000));
        "xz\0\0"u8.CopyTo(file.AsSpan(24));
        Refused(file, MachineErrorKind.BadInput, "packed with 'xz'");
    }

    [Fact]
    public void An_ELF_program_goes_to_its_physical_addresses_and_begins_in_machine_mode()
    {
        var loaded = Load(TestImages.Elf(0x8000_1000, entry: 0x8000_1004));
        Assert.Equal(new LoadedImage(KernelFormat.Elf, 0x8000_1000, 0x8000_1020, 0x8000_1004, BootMode.Machine), loaded);
        Assert.Equal(Enumerable.Range(0x78, 16).Select(i => (byte)i), Memory(0x8000_1000, 16));
    }

    [Fact]
    public void An_ELF_program_with_an_odd_entry_point_is_refused()
    {
        var error = Assert.Throws<MachineConfigurationException>(() => Load(TestImages.Elf(0x8000_0000, entry: 0x8000_0001)));
        Assert.Equal(MachineErrorKind.BadInput, error.Kind);
    }

    // Found by the fuzzer "kernel".
    [Fact]
    public void An_even_entry_point_that_lies_at_an_odd_physical_address_is_refused()
    {
        var error = Assert.Throws<MachineConfigurationException>(() => Load(TestImages.Elf(0x8000_0001, virtualAddress: 0x1000, entry: 0x1008)));
        Assert.Contains("odd entry point 0x80000009", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_compressed_ELF_program_is_unpacked() => Assert.Equal(0x8000_0000UL, Load(Gzip(TestImages.Elf())).EntryPoint);

    [Fact]
    public void The_entry_point_of_a_program_with_own_virtual_addresses_is_translated() =>
        Assert.Equal(0x8000_0008UL, Load(TestImages.Elf(0x8000_0000, virtualAddress: 0x1000, entry: 0x1008)).EntryPoint);

    [Theory]
    [InlineData(0UL)]
    [InlineData(0x8020_0000UL)]
    public void A_vmlinux_begins_in_supervisor_mode_at_its_lowest_address(ulong physical) =>
        Assert.Equal(
            new LoadedImage(KernelFormat.Elf, 0x8020_0000, 0x8020_0020, 0x8020_0000, BootMode.Supervisor),
            Load(TestImages.Elf(physical, virtualAddress: 0xFFFF_FFFF_8000_0000)));

    [Fact]
    public void A_position_independent_firmware_goes_to_the_start_of_RAM()
    {
        File.WriteAllBytes(_path, TestImages.Elf(0, entry: 4));
        Assert.Equal(0x8000_0004UL, KernelLoader.LoadFirmware(_path, _ram).EntryPoint);
        File.WriteAllBytes(_path, [0x13, 0, 0, 0]);
        Assert.Equal(
            new LoadedImage(KernelFormat.FlatImage, 0x8000_0000, 0x8000_0004, 0x8000_0000, BootMode.Machine),
            KernelLoader.LoadFirmware(_path, _ram));
        File.WriteAllBytes(_path, TestImages.Flat());
        Assert.Contains("Linux kernel", Assert.Throws<MachineConfigurationException>(
            () => KernelLoader.LoadFirmware(_path, _ram)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0x202, "HdrS", "x86 Linux kernel")]
    [InlineData(56, "ARMd", "arm64 Linux kernel")]
    [InlineData(0, "070701", "cpio archive")]
    [InlineData(0, "BZh9", "bzip2")]
    [InlineData(0, "!<arch>\n", "Debian package")]
    [InlineData(0, "#!/bin/sh", "begins with 23212F62696E2F73")]
    public void A_file_of_another_kind_is_named(int offset, string magic, string name)
    {
        var file = new byte[1024];
        System.Text.Encoding.Latin1.GetBytes(magic).CopyTo(file.AsSpan(offset));
        Refused(file, MachineErrorKind.BadInput, name);
    }

    [Theory]
    [InlineData(62, 2, "x86-64")]
    [InlineData(183, 2, "arm64")]
    [InlineData(3, 1, "x86")]
    [InlineData(243, 1, "32-bit RISC-V")]
    [InlineData(9999, 2, "machine number 9999")]
    public void An_ELF_file_of_another_machine_is_named(ushort machine, byte elfClass, string name) =>
        Refused(TestImages.Elf(machine: machine, elfClass: elfClass), MachineErrorKind.BadInput, name);

    [Fact]
    public void An_EFI_program_of_another_machine_is_named()
    {
        var file = new byte[512];
        "MZ"u8.CopyTo(file);
        file[0x3C] = 0x80;
        "PE\0\0"u8.CopyTo(file.AsSpan(0x80));
        BinaryPrimitives.WriteUInt16LittleEndian(file.AsSpan(0x84), 0xAA64);
        Refused(file, MachineErrorKind.BadInput, "arm64 EFI");
    }

    [Fact]
    public void An_empty_file_a_directory_and_a_missing_file_are_told_apart()
    {
        Refused([], MachineErrorKind.BadInput, "empty file");
        Assert.Equal(MachineErrorKind.MissingInput, Assert.Throws<MachineConfigurationException>(
            () => KernelLoader.Load(_path + ".missing", _ram)).Kind);
        Assert.Contains("directory", Assert.Throws<MachineConfigurationException>(
            () => KernelLoader.Load(Path.GetTempPath(), _ram)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_big_endian_kernel_is_refused() =>
        Refused(TestImages.Flat(flags: 1), MachineErrorKind.BadInput, "big-endian");

    [Theory]
    [InlineData(0x20_0000UL, 0x20_0001UL)]
    [InlineData(0x20_0000UL, ulong.MaxValue)]
    [InlineData(0x40_0000UL, 0x1000UL)]
    public void A_kernel_that_does_not_fit_says_how_much_memory_it_needs(ulong offset, ulong size) =>
        Refused(TestImages.Flat(textOffset: offset, imageSize: size), MachineErrorKind.NotEnoughMemory, "found 4M of memory");

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData(0x20_0001UL)]
    public void A_senseless_text_offset_is_refused(ulong offset) =>
        Refused(TestImages.Flat(textOffset: offset), MachineErrorKind.BadInput, "text offset");

    [Fact]
    public void A_compressed_kernel_that_unpacks_past_the_end_of_memory_is_refused() =>
        Refused(Gzip(TestImages.Flat(3 * (int)MiB, imageSize: 64)), MachineErrorKind.NotEnoughMemory, "found 4M of memory");

    [Fact]
    public void Broken_compression_is_refused()
    {
        var packed = Gzip(TestImages.Flat(100_000));
        packed.AsSpan(packed.Length / 2, 40).Fill(0xFF);
        Refused(packed, MachineErrorKind.BadInput, "broken");
    }

    [Fact]
    public void ELF_segments_outside_of_RAM_or_file_are_refused()
    {
        Refused(TestImages.Elf(0x7000_0000), MachineErrorKind.NotEnoughMemory, "0x7000000");
        Refused(TestImages.Elf(0x8000_0000, memoryBytes: 5 * (ulong)MiB), MachineErrorKind.NotEnoughMemory, "RAM");
        Refused(TestImages.Elf(fileOffset: ulong.MaxValue), MachineErrorKind.BadInput, "outside");
        Refused(TestImages.Elf(fileBytes: 17), MachineErrorKind.BadInput, "outside");
        Refused(TestImages.Elf(fileBytes: 33), MachineErrorKind.BadInput, "outside");
        Refused(TestImages.Elf(memoryBytes: ulong.MaxValue), MachineErrorKind.BadInput, "outside");
        Refused(TestImages.Elf(entry: 0x9000_0000), MachineErrorKind.BadInput, "entry point");
        Refused(TestImages.Elf(headers: 9), MachineErrorKind.BadInput, "program headers");
        Refused(TestImages.Elf(type: 1), MachineErrorKind.BadInput, "type 1");
        Refused(TestImages.Elf()[..40], MachineErrorKind.BadInput, "ends inside");
    }

    [Fact]
    public void Mutated_files_are_loaded_or_refused_and_never_fail_otherwise()
    {
        var random = new Random(1);
        byte[][] originals = [TestImages.Flat(512), TestImages.Elf(), Gzip(TestImages.Flat(512)), Gzip(TestImages.Elf())];
        for (var i = 0; i < 1_200; i++)
        {
            var file = (byte[])originals[i % originals.Length].Clone();
            for (var n = random.Next(1, 6); n > 0; n--)
            {
                file[random.Next(Math.Min(file.Length, 130))] = (byte)random.Next(256);
            }

            try
            {
                Load(file[..random.Next(1, file.Length + 1)]);
            }
            catch (MachineConfigurationException error)
            {
                Assert.DoesNotContain('\n', error.Message);
            }
        }
    }

    private static byte[] Gzip(byte[] content)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        {
            gzip.Write(content);
        }

        return packed.ToArray();
    }

    private LoadedImage Load(byte[] file)
    {
        File.WriteAllBytes(_path, file);
        return KernelLoader.Load(_path, _ram);
    }

    private void Refused(byte[] file, MachineErrorKind kind, string part)
    {
        var error = Assert.Throws<MachineConfigurationException>(() => Load(file));
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
        Assert.StartsWith(_path, error.Message, StringComparison.Ordinal);
        Assert.Equal(kind, error.Kind);
        Assert.DoesNotContain('\n', error.Message);
    }

    private byte[] Memory(ulong address, int length)
    {
        var bytes = new byte[length];
        Assert.True(_ram.TryRead(address, bytes));
        return bytes;
    }
}
