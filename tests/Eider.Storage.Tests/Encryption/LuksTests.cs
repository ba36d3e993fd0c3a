using System.Buffers.Binary;
using System.Text;
using Eider.Storage.Backends;
using Eider.Storage.Encryption;
using Eider.Storage.Formats;
using Eider.Storage.Layers;
using Eider.Testing.Storage;

namespace Eider.Storage.Tests.Encryption;

public sealed class LuksImageConformance : BlockStorageConformance
{
    protected override int SizeMultiple => 512;

    protected override async ValueTask<BlockStorage> CreateAsync(byte[] content) => await LuksTests.ImageOfAsync(content);

    protected override async ValueTask<BlockStorage> CreateFaultyAsync(byte[] content, int seed)
    {
        FaultStorage? faults = null;
        var image = await LuksTests.ImageOfAsync(content, inner => faults = new FaultStorage(inner, []));
        foreach (var rule in FaultRules(seed))
        {
            // No disk tears a sector, and one that is half old and half new cannot be decrypted.
            faults!.Add(rule with { TornBytes = rule.TornBytes / 512 * 512 });
        }

        return image;
    }
}

public sealed class LuksTests
{
    private const string Password = "correct horse";
    private const int DataBytes = 3 * 1024 * 1024;

    public static TheoryData<string, string, string, string> Ciphers
    {
        get
        {
            // With aes-192 in CBC, QEMU 7.2 stops at an assertion of its own: the split key is no whole number of sectors.
            var data = new TheoryData<string, string, string, string>();
            foreach (var algorithm in new[] { "aes-128", "aes-256" })
            {
                foreach (var mode in new[] { "xts", "cbc" })
                {
                    data.Add(algorithm, mode, "plain64", "sha256");
                    data.Add(algorithm, mode, "plain", "sha1");
                    data.Add(algorithm, mode, "essiv", "sha512");
                }
            }

            data.Add("aes-192", "xts", "plain64", "sha256");
            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Ciphers))]
    [Trait("Category", "Slow")]
    public async Task A_volume_that_QEMU_wrote_is_read_and_written_here_and_read_by_QEMU(string algorithm, string mode, string iv, string hash)
    {
        using var folder = new TemporaryFolder();
        var content = Content(1, DataBytes);
        await File.WriteAllBytesAsync(folder["raw"], content);
        await File.WriteAllTextAsync(folder["key"], Password);
        HostTool.Run(
            "qemu-img", "convert", "--object", $"secret,id=s,file={folder["key"]}", "-f", "raw", "-O", "luks",
            "-o", $"key-secret=s,iter-time=10,cipher-alg={algorithm},cipher-mode={mode},ivgen-alg={iv},hash-alg={hash}",
            folder["raw"], folder["luks"]);
        await using (var image = await OpenAsync(folder["luks"]))
        {
            Assert.Equal(DataBytes, image.SizeBytes);
            var read = new byte[DataBytes];
            Assert.Equal(BlockResult.Ok, await image.ReadAsync(0, read));
            Assert.Equal(content, read);
            var patch = Content(2, 70_001);
            Assert.Equal(BlockResult.Ok, await image.WriteAsync(123_457, patch));
            patch.CopyTo(content, 123_457);
            Assert.Equal(BlockResult.Ok, await image.FlushAsync());
        }

        Assert.Equal(content, await QemuReadAsync(folder, "luks"));
    }

    [Theory]
    [MemberData(nameof(Ciphers))]
    public async Task A_volume_that_is_created_here_is_opened_by_QEMU(string algorithm, string mode, string iv, string hash)
    {
        using var folder = new TemporaryFolder();
        var content = Content(3, DataBytes);
        await File.WriteAllTextAsync(folder["key"], Password);
        await using (var file = FileStorage.Create(folder["luks"], 0))
        {
            await ImageFormats.Luks.CreateAsync(file, new ImageCreateOptions
            {
                SizeBytes = DataBytes,
                Key = Encoding.UTF8.GetBytes(Password),
                Options = new Dictionary<string, string>
                {
                    ["cipher-alg"] = algorithm,
                    ["cipher-mode"] = mode,
                    ["ivgen-alg"] = iv,
                    ["hash-alg"] = hash,
                    ["iter-time"] = "10",
                },
            });
        }

        await using (var image = await OpenAsync(folder["luks"]))
        {
            Assert.Equal(BlockResult.Ok, await image.WriteAsync(0, content));
        }

        Assert.Equal(content, await QemuReadAsync(folder, "luks"));
        var info = HostTool.Run("qemu-img", "info", folder["luks"]);
        Assert.Contains($"cipher alg: {algorithm}", info, StringComparison.Ordinal);
        Assert.Contains($"cipher mode: {mode}", info, StringComparison.Ordinal);
        Assert.Contains($"ivgen alg: {iv}", info, StringComparison.Ordinal);
        Assert.Contains($"hash alg: {hash}", info, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_passphrase_that_is_added_works_in_QEMU_and_one_that_is_erased_does_not()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllBytesAsync(folder["raw"], Content(4, 65536));
        await File.WriteAllTextAsync(folder["key"], "first");
        HostTool.Run(
            "qemu-img", "convert", "--object", $"secret,id=s,file={folder["key"]}", "-f", "raw", "-O", "luks",
            "-o", "key-secret=s,iter-time=10", folder["raw"], folder["luks"]);
        await using (var file = FileStorage.Open(folder["luks"]))
        {
            var area = await LuksArea.OpenAsync(file, 0, file.SizeBytes);
            var options = new LuksCreateOptions { Iterations = 1000 };
            Assert.Equal(1, await area.AddKeyAsync("first"u8.ToArray(), "second"u8.ToArray(), options));
            Assert.Equal(0, await area.FindSlotAsync("first"u8.ToArray()));
            Assert.Equal(1, await area.FindSlotAsync("second"u8.ToArray()));
            await area.EraseKeyAsync(0);
            Assert.Equal(-1, await area.FindSlotAsync("first"u8.ToArray()));
            var last = await Assert.ThrowsAsync<BlockStorageException>(async () => await area.EraseKeyAsync(1));
            Assert.Equal(BlockErrorKind.AccessDenied, last.Kind);
            await Assert.ThrowsAsync<BlockStorageException>(
                async () => await area.AddKeyAsync("first"u8.ToArray(), "third"u8.ToArray(), options));
        }

        Assert.NotEqual(0, HostTool.Try("qemu-img", QemuReadArguments(folder, "luks")).ExitCode);
        await File.WriteAllTextAsync(folder["key"], "second");
        Assert.Equal(Content(4, 65536), await QemuReadAsync(folder, "luks"));
    }

    [Fact]
    public async Task All_eight_slots_can_be_taken_and_the_ninth_is_refused()
    {
        await using var storage = new MemoryStorage(4 * 1024 * 1024);
        var options = new LuksCreateOptions { Iterations = 1000, Cipher = new LuksCipherName { AesBits = 128 } };
        var (area, cipher) = await LuksArea.CreateAsync(storage, 4096, "k0"u8.ToArray(), options);
        cipher.Dispose();
        for (var index = 1; index < LuksHeader.SlotCount; index++)
        {
            Assert.Equal(index, await area.AddKeyAsync("k0"u8.ToArray(), Encoding.ASCII.GetBytes($"k{index}"), options));
        }

        var full = await Assert.ThrowsAsync<BlockStorageException>(async () => await area.AddKeyAsync("k7"u8.ToArray(), "k8"u8.ToArray(), options));
        Assert.Equal(BlockErrorKind.NoSpace, full.Kind);
        var reopened = await LuksArea.OpenAsync(storage, 4096, storage.SizeBytes - 4096);
        Assert.Equal(5, await reopened.FindSlotAsync("k5"u8.ToArray()));
    }

    [Fact]
    public async Task When_adding_a_passphrase_fails_at_any_request_the_old_one_still_works()
    {
        await using var storage = new MemoryStorage(4 * 1024 * 1024);
        var options = new LuksCreateOptions { Iterations = 1000 };
        (await LuksArea.CreateAsync(storage, 0, "old"u8.ToArray(), options)).Cipher.Dispose();
        var failures = 0;
        for (var request = 1; request <= 6; request++)
        {
            await using var faults = new FaultStorage(storage, [new FaultRule { Every = request, IsOnce = true, TornBytes = 700 }], leaveOpen: true);
            try
            {
                var area = await LuksArea.OpenAsync(faults, 0, faults.SizeBytes);
                await area.AddKeyAsync("old"u8.ToArray(), "new"u8.ToArray(), options);
            }
            catch (BlockStorageException)
            {
                failures++;
            }

            // A torn header still starts with the slots' states; sectors are written whole.
            var after = await LuksArea.OpenAsync(storage, 0, storage.SizeBytes);
            Assert.Equal(0, await after.FindSlotAsync("old"u8.ToArray()));
        }

        Assert.InRange(failures, 4, 6);
    }

    [Theory]
    [InlineData(8, "serpent", "'serpent'")]
    [InlineData(8, "twofish", "'twofish'")]
    [InlineData(40, "ctr-plain64", "'ctr-plain64'")]
    [InlineData(40, "xts-benbi", "'xts-benbi'")]
    [InlineData(40, "cbc-essiv:sha1", "cbc-essiv:sha1")]
    [InlineData(72, "ripemd160", "'ripemd160'")]
    public async Task Another_cipher_mode_or_hash_is_refused_by_its_name(int offset, string name, string named)
    {
        var bytes = new byte[2 * 1024 * 1024];
        (await HeaderBytesAsync()).CopyTo(bytes, 0);
        bytes.AsSpan(offset, 32).Clear();
        Encoding.ASCII.GetBytes(name).CopyTo(bytes, offset);
        await using var file = new MemoryStorage(bytes);
        var refused = await Assert.ThrowsAsync<BlockStorageException>(
            async () => await ImageFormats.Luks.OpenAsync(file, ImageOpenOptions.Default));
        Assert.Equal(BlockErrorKind.UnsupportedFeature, refused.Kind);
        Assert.Contains(named, refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', refused.Message);
    }

    [Fact]
    public async Task Without_a_passphrase_nothing_is_read_and_a_wrong_one_is_refused()
    {
        await using var image = await ImageOfAsync(new byte[4096], key: null);
        Assert.True(image is { IsEncrypted: true, NeedsKey: true });
        var locked = await Assert.ThrowsAsync<BlockStorageException>(async () => await image.ReadAsync(0, new byte[512]));
        Assert.Equal(BlockErrorKind.AccessDenied, locked.Kind);
        var wrong = await Assert.ThrowsAsync<BlockStorageException>(async () => await image.SetKeyAsync("wrong"u8.ToArray()));
        Assert.Equal(BlockErrorKind.AccessDenied, wrong.Kind);
        Assert.Equal(BlockResult.Ok, await image.SetKeyAsync(Encoding.UTF8.GetBytes(Password)));
        Assert.Equal(BlockResult.Ok, await image.ReadAsync(0, new byte[512]));
    }

    [Theory]
    [InlineData(6, 2, "version 2")]
    [InlineData(104, 1, "but the data begin at 1")]
    [InlineData(108, 1_000_000, "1000000 bytes")]
    [InlineData(164, 0xFFFF_FFFF, "4294967295 iterations")]
    [InlineData(164, 0, "0 iterations")]
    [InlineData(208, 7, "state 0x00000007")]
    [InlineData(212, 0, "0 iterations")]
    [InlineData(212, 0x8000_0000, "2147483648 iterations")]
    [InlineData(248, 0, "lies over the header")]
    [InlineData(248, 512, "lies over that of key slot 0")]
    [InlineData(248, 0xFFFF_FFF0, "but the data begin at")]
    [InlineData(252, 0xFFFF_FFFF, "4294967295 stripes")]
    public async Task A_header_that_lies_is_refused_with_what_was_found(int offset, uint value, string found)
    {
        var bytes = await HeaderBytesAsync();
        if (offset == 6)
        {
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(6), (ushort)value);
        }
        else
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(offset), value);
        }

        var refused = Assert.ThrowsAny<Exception>(() => LuksHeader.Parse(bytes));
        Assert.True(refused is FormatException or NotSupportedException);
        Assert.Contains(found, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_header_is_read_as_it_was_written_and_100000_damaged_ones_do_no_harm()
    {
        var bytes = await HeaderBytesAsync();
        var copy = new byte[LuksHeader.SizeBytes];
        LuksHeader.Parse(bytes).Write(copy);
        Assert.Equal(bytes, copy);
        var random = new Random(5);
        var refused = 0;
        for (var step = 0; step < 100_000; step++)
        {
            var damaged = (byte[])bytes.Clone();
            for (var change = random.Next(1, 4); change > 0; change--)
            {
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            }

            try
            {
                var header = LuksHeader.Parse(damaged);
                Assert.True(header.Slots.All(slot => !slot.IsActive || slot.Iterations <= int.MaxValue));
            }
            catch (Exception exception) when (exception is FormatException or NotSupportedException)
            {
                refused++;
            }
        }

        Assert.InRange(refused, 10_000, 99_999);
    }

    [Fact]
    public async Task A_truncated_volume_is_refused()
    {
        using var folder = new TemporaryFolder();
        await using (var image = await ImageOfAsync(new byte[4096]))
        {
            await using var copy = FileStorage.Create(folder["luks"], image.File.SizeBytes);
            var bytes = new byte[image.File.SizeBytes];
            await image.File.ReadAsync(0, bytes);
            await copy.WriteAsync(0, bytes);
        }

        foreach (var length in new[] { 0L, 5, 100, 591, 592, 4096, 200_000, 1_000_000 })
        {
            using (var handle = File.OpenHandle(folder["luks"], FileMode.Open, FileAccess.ReadWrite))
            {
                var bytes = new byte[length];
                RandomAccess.Read(handle, bytes, 0);
                await File.WriteAllBytesAsync(folder["short"], bytes);
            }

            await Assert.ThrowsAsync<BlockStorageException>(async () => await OpenAsync(folder["short"]));
        }
    }

    [Fact]
    public async Task A_volume_that_grows_reads_zeroes_in_what_was_added()
    {
        await using var image = await ImageOfAsync(Content(6, 4096));
        Assert.Equal(BlockResult.Ok, await image.ResizeAsync(200 * 1024));
        var read = new byte[200 * 1024];
        Assert.Equal(BlockResult.Ok, await image.ReadAsync(0, read));
        Assert.Equal([.. Content(6, 4096), .. new byte[(200 * 1024) - 4096]], read);
    }

    [Fact]
    public void The_effort_follows_the_time_that_was_asked_for()
    {
        var quick = KeyStretching.IterationsFor(new LuksCreateOptions { IterationTime = TimeSpan.FromMilliseconds(20) });
        var slow = KeyStretching.IterationsFor(new LuksCreateOptions { IterationTime = TimeSpan.FromMilliseconds(400) });
        Assert.InRange(slow / (double)quick, 5, 80);
        Assert.Equal(KeyStretching.MinIterations, KeyStretching.IterationsFor(new LuksCreateOptions { IterationTime = TimeSpan.FromTicks(1) }));
    }

    internal static async ValueTask<ImageStorage> ImageOfAsync(
        byte[] content, Func<BlockStorage, BlockStorage>? wrap = null, string? key = Password)
    {
        var folder = Directory.CreateTempSubdirectory("eider-luks-");
        try
        {
            // The file goes when the image is closed: its name may go at once.
            var path = Path.Combine(folder.FullName, "luks");
            var file = FileStorage.Create(path, LuksArea.SizeOf(LuksCipherName.Default) + content.Length);
            var (_, cipher) = await LuksArea.CreateAsync(file, 0, Encoding.UTF8.GetBytes(Password), new LuksCreateOptions { Iterations = 1000 });
            using (cipher)
            {
                var sealedBytes = (byte[])content.Clone();
                cipher.Encrypt(0, sealedBytes);
                await file.WriteAsync(LuksArea.SizeOf(LuksCipherName.Default), sealedBytes);
            }

            var options = new ImageOpenOptions { KeyOf = _ => key == null ? (ReadOnlyMemory<byte>?)null : Encoding.UTF8.GetBytes(key) };
            return await ImageFormats.Luks.OpenAsync(wrap?.Invoke(file) ?? file, options);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task<byte[]> HeaderBytesAsync()
    {
        await using var storage = new MemoryStorage(4 * 1024 * 1024);
        var (area, cipher) = await LuksArea.CreateAsync(
            storage, 0, Encoding.UTF8.GetBytes(Password), new LuksCreateOptions { Iterations = 1000 });
        cipher.Dispose();
        var bytes = new byte[LuksHeader.SizeBytes];
        area.Header.Write(bytes);
        return bytes;
    }

    private static async ValueTask<ImageStorage> OpenAsync(string path)
    {
        var file = FileStorage.Open(path);
        try
        {
            return await ImageFormats.Luks.OpenAsync(file, new ImageOpenOptions { KeyOf = _ => Encoding.UTF8.GetBytes(Password) });
        }
        catch
        {
            await file.DisposeAsync();
            throw;
        }
    }

    private static string[] QemuReadArguments(TemporaryFolder folder, string name) =>
    [
        "convert", "--object", $"secret,id=s,file={folder["key"]}", "--image-opts",
        $"driver=luks,key-secret=s,file.driver=file,file.filename={folder[name]}", "-O", "raw", folder["out"],
    ];

    private static async Task<byte[]> QemuReadAsync(TemporaryFolder folder, string name)
    {
        HostTool.Run("qemu-img", QemuReadArguments(folder, name));
        return await File.ReadAllBytesAsync(folder["out"]);
    }

    private static byte[] Content(int seed, int length)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}
