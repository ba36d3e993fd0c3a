using System.Text.Json;
using Eider.Cli.Provisioning;

namespace Eider.GuestTests;

/// <summary>A stock kernel with its root on our disk, end to end through the command.</summary>
[Trait("Category", "Slow")]
public sealed class RootDiskTests
{
    [Theory]
    [MemberData(nameof(GuestSuite.EachRing), MemberType = typeof(GuestSuite))]
    public async Task What_the_guest_wrote_is_in_the_image_whole_and_clean(string release, string ring, int queues)
    {
        using var folder = new TestFolder();
        var image = folder.At("root.img");
        var trace = folder.At("trace");
        var command =
            $"""
            {GuestCommands.WriteAndHash}
            ls /sys/block/vda/mq | wc -l
            for cpu in $(seq 0 {queues - 1}); do taskset -c $cpu dd if=/dev/vda of=/dev/null bs=64k count=16 skip=$((cpu * 16)) iflag=direct 2>/dev/null; done
            """;

        var result = await EiderProcess.QuickstartAsync(
            release, command, "--ring", ring, "--queues", $"{queues}", "--keep", image, "--trace", "virtio", "--trace-file", trace);

        Assert.Equal((0, ""), (result.Code, result.Errors));
        var lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(await HostImage.Sha256InsideAsync(image, "/data", folder.At("data")), lines[0]);
        Assert.Equal($"{queues}", lines[1].Trim());
        await HostImage.AssertCleanAsync(image);

        // Each queue was rung: "virtio vda notify 0x<queue> ...".
        var rung = (await File.ReadAllLinesAsync(trace, TestContext.Current.CancellationToken))
            .Select(line => line.Split(' ')).Where(words => words is ["virtio", "vda", "notify", ..])
            .Select(words => words[3]).Distinct().Order();
        Assert.Equal(Enumerable.Range(0, queues).Select(queue => $"0x{queue}"), rung);
    }

    // The kernel's own pci-host-generic and virtio-pci, built in; no controller for messages, so the wire of device 1.
    [Theory]
    [MemberData(nameof(GuestSuite.EachRing), MemberType = typeof(GuestSuite))]
    public async Task A_root_on_the_PCI_bus_is_whole_and_clean_with_every_queue_on_one_wire(string release, string ring, int queues)
    {
        using var folder = new TestFolder();
        var image = folder.At("root.img");
        var trace = folder.At("trace");
        var command =
            $"""
            {GuestCommands.WriteAndHash}
            ls /sys/block/vda/mq | wc -l
            readlink /sys/block/vda | cut -d/ -f6-8
            grep 'PLIC *33 ' /proc/interrupts | sed 's/.* //'
            for cpu in $(seq 0 {queues - 1}); do taskset -c $cpu dd if=/dev/vda of=/dev/null bs=64k count=16 skip=$((cpu * 16)) iflag=direct 2>/dev/null; done
            """;

        var result = await EiderProcess.QuickstartAsync(
            release, command, "--bus", "virtio-pci", "--ring", ring, "--queues", $"{queues}", "--keep", image,
            "--trace", "virtio", "--trace-file", trace);

        Assert.Equal((0, ""), (result.Code, result.Errors));
        var lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(await HostImage.Sha256InsideAsync(image, "/data", folder.At("data")), lines[0]);
        Assert.Equal([$"{queues}", "pci0000:00/0000:00:01.0/virtio0", "virtio0"], lines[1..].Select(line => line.Trim()));
        await HostImage.AssertCleanAsync(image);
        var rung = (await File.ReadAllLinesAsync(trace, TestContext.Current.CancellationToken))
            .Select(line => line.Split(' ')).Where(words => words is ["virtio", "vda", "notify", ..])
            .Select(words => words[3]).Distinct().Order();
        Assert.Equal(Enumerable.Range(0, queues).Select(queue => $"0x{queue}"), rung);
    }

    [Theory]
    [MemberData(nameof(GuestSuite.EachRelease), MemberType = typeof(GuestSuite))]
    public async Task A_read_only_root_refuses_writes_cleanly_and_the_file_stays_as_it_is(string release)
    {
        var files = await GuestSuite.FilesAsync(release);
        var before = await HostImage.Sha256Async(files.Root);
        const string Command =
            """
            touch /x 2>/dev/null && echo 'a file was made'
            mount -o remount,rw / 2>/dev/null # some mounts say yes and stay read-only
            touch /x 2>/dev/null && echo 'became writable'
            dd if=/dev/zero of=/dev/vda bs=4096 count=1 2>/dev/null && echo 'the disk was written'
            cat /sys/block/vda/ro
            sha256sum /bin/busybox >/dev/null && echo 'reads work'
            """;

        var result = await EiderProcess.QuickstartAsync(release, Command, "--root", "ro");

        Assert.Equal((0, "1\nreads work\n", ""), (result.Code, result.Output, result.Errors));
        Assert.Equal(before, await HostImage.Sha256Async(files.Root));
    }

    [Theory]
    [MemberData(nameof(GuestSuite.EachRelease), MemberType = typeof(GuestSuite))]
    public async Task A_root_over_HTTP_is_written_in_memory_and_the_served_file_stays_as_it_is(string release)
    {
        var files = await GuestSuite.FilesAsync(release);
        var before = await HostImage.Sha256Async(files.Root);

        var result = await EiderProcess.QuickstartAsync(
            release, GuestCommands.WriteAndHash + "\nsha256sum /data | cut -d' ' -f1", "--root", "http");

        Assert.Equal((0, ""), (result.Code, result.Errors));
        var hashes = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, hashes.Length);
        Assert.Matches("^[0-9a-f]{64}$", hashes[0]);
        Assert.Equal(hashes[0], hashes[1]);
        Assert.Equal(before, await HostImage.Sha256Async(files.Root));
    }

    [Fact]
    public async Task Each_run_works_on_a_fresh_copy()
    {
        var first = await EiderProcess.QuickstartAsync("trixie", "touch /mine; ls /mine");
        var second = await EiderProcess.QuickstartAsync("trixie", "ls /mine 2>/dev/null; echo none");

        Assert.Equal("/mine\n", first.Output);
        Assert.Equal("none\n", second.Output);
    }

    [Fact]
    public async Task Output_errors_and_exit_code_come_out_apart_and_alone()
    {
        var result = await EiderProcess.QuickstartAsync("trixie", "echo to out; echo to err >&2; printf 'no end'; exit 42");

        Assert.Equal((42, "to out\nno end", "to err\n"), (result.Code, result.Output, result.Errors));
    }

    [Fact]
    public async Task The_guest_has_what_it_promises()
    {
        const string Command =
            """
            for program in sh mount dd awk sha256sum readlink insmod poweroff; do command -v $program >/dev/null || echo "no $program"; done
            for folder in /proc /sys /dev; do mountpoint -q $folder 2>/dev/null || grep -q " $folder " /proc/mounts || echo "no $folder"; done
            [ "$(awk '$2 == "/" { print $1 }' /proc/mounts)" = /dev/vda ] || echo 'the root is not the disk'
            [ "$(df -m / | awk 'END { print $4 }')" -ge 256 ] || echo 'less than 256 MiB free'
            [ "$(find / -xdev ! -user root | wc -l)" = 0 ] || echo 'somebody else owns files'
            [ "$(head -c 16 /dev/hwrng | wc -c)" = 16 ] || echo 'no entropy device'
            """;

        var result = await EiderProcess.QuickstartAsync("trixie", Command);

        Assert.Equal((0, "", ""), (result.Code, result.Output, result.Errors));
    }

    [Fact]
    public async Task Statistics_count_instructions_times_and_requests()
    {
        using var folder = new TestFolder();
        var file = folder.At("stats.json");

        var result = await EiderProcess.QuickstartAsync("trixie", "cat /bin/busybox | wc -c", "--stats", file);

        Assert.Equal(0, result.Code);
        using var statistics = JsonDocument.Parse(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        var root = statistics.RootElement;
        Assert.True(root.GetProperty("instructions").GetInt64() > 100_000_000);
        Assert.True(root.GetProperty("engineCpuSeconds").GetDouble() > 0);
        Assert.True(root.GetProperty("wallSeconds").GetDouble() > 0);
        Assert.True(root.GetProperty("firstInstructionMs").GetDouble() > 0);
        var disk = root.GetProperty("devices").EnumerateArray().Single(device => device.GetProperty("name").GetString() == "vda");
        Assert.True(disk.GetProperty("requests").GetInt64() > 0);
        Assert.True(disk.GetProperty("readBytes").GetInt64() > 1_600_000);
        Assert.Equal(0, disk.GetProperty("failures").GetInt64());
    }

    [Fact]
    public async Task A_guest_that_powers_off_by_itself_is_a_success_and_a_panic_is_none()
    {
        var off = await EiderProcess.QuickstartAsync("trixie", "echo before; poweroff; sleep 60; echo after");
        var panic = await EiderProcess.QuickstartAsync("trixie", "echo c >/proc/sysrq-trigger");

        Assert.Equal((0, "before\n"), (off.Code, off.Output));
        Assert.Equal(76, panic.Code);
        Assert.Contains("sysrq", panic.Errors, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("TERM", 143)]
    [InlineData("INT", 130)]
    public async Task A_signal_flushes_the_disk(string signal, int code)
    {
        using var folder = new TestFolder();
        var image = folder.At("root.img");
        using var process = EiderProcess.Start(
            "quickstart", "--keep", image, "--run", "echo kept >/mine; sync; echo written; sleep 600");
        process.StandardInput.Close();
        Assert.Equal("written", await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken));

        await HostTool.Find("kill", "procps").RunAsync(
            ["-s", signal, $"{process.Id}"], TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        // A pulled plug: the journal is replayed first, then everything is there and in order.
        Assert.Equal(code, process.ExitCode);
        await HostImage.ReplayJournalAsync(image);
        await HostImage.AssertCleanAsync(image);
        Assert.Equal(
            Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData("kept\n"u8)),
            await HostImage.Sha256InsideAsync(image, "/mine", folder.At("mine")));
    }
}
