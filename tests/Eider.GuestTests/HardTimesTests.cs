using System.Security.Cryptography;
using Eider.Devices.Virtio.Console;
using Eider.Machines;
using Eider.Storage;
using Eider.Storage.Backends;
using Eider.Storage.Layers;

namespace Eider.GuestTests;

/// <summary>A stock kernel while something goes wrong, or too much at once.</summary>
[Trait("Category", "Slow")]
public sealed class HardTimesTests
{
    private const long DiskBytes = 64L << 20;

    [Theory]
    [MemberData(nameof(GuestSuite.EachRelease), MemberType = typeof(GuestSuite))]
    public async Task A_driver_that_leaves_and_comes_back_while_requests_run_loses_nothing(string release)
    {
        using var folder = new TestFolder();
        var guest = new AgentGuest(await GuestSuite.FilesAsync(release), folder.At("root.img"));
        await using var second = new MemoryStorage(DiskBytes, "second");
        guest.Configuration.Disks = [guest.Configuration.Disks[0], second];
        var command =
            $$"""
            device=$(basename $(readlink -f /sys/block/vdb/device))
            driver=/sys/bus/virtio/drivers/virtio_blk
            for round in $(seq 1 20); do
                dd if=/dev/vdb of=/dev/null bs=64k iflag=direct 2>/dev/null &
                dd if=/dev/zero of=/dev/vdb bs=64k oflag=direct 2>/dev/null &
                usleep 20000
                echo $device >$driver/unbind || echo "round $round: not unbound"
                wait
                echo $device >$driver/bind || echo "round $round: not bound"
                until [ -b /dev/vdb ]; do usleep 10000; done
            done
            dd if=/dev/urandom of=/tmp/pattern bs=1M count=4 2>/dev/null
            dd if=/tmp/pattern of=/dev/vdb bs=1M oflag=direct 2>/dev/null
            dd if=/dev/vdb of=/tmp/back bs=1M count=4 iflag=direct 2>/dev/null
            cmp /tmp/pattern /tmp/back || echo 'the disk lost data'
            {{GuestCommands.WriteAndHash}}
            """;

        var result = await guest.RunAsync(command);

        await AssertWrittenAsync(guest, result, folder);
        Assert.Empty(guest.Exit!.HostErrors);
    }

    [Theory]
    [MemberData(nameof(GuestSuite.EachRelease), MemberType = typeof(GuestSuite))]
    public async Task A_console_that_is_flooded_both_ways_loses_no_byte_and_the_disk_goes_on(string release)
    {
        using var folder = new TestFolder();
        var flood = new ConsoleEndpoint();
        var guest = new AgentGuest(
            await GuestSuite.FilesAsync(release), folder.At("root.img"), new ConsolePort("flood", flood));
        var sent = new byte[GuestSuite.DataMebibytes << 20];
        new Random(1).NextBytes(sent);
        var command =
            $"""
            for folder in /sys/class/virtio-ports/*; do [ "$(cat $folder/name 2>/dev/null)" != flood ] || port=/dev/$(basename $folder); done
            exec 7<>$port
            head -c {sent.Length} <&7 | tee /tmp/flood | cat >&7 &
            {GuestCommands.WriteAndHash}
            wait
            sha256sum /tmp/flood | cut -d' ' -f1
            yes | head -c {sent.Length}
            """;

        var sending = flood.SendAsync(sent, TestContext.Current.CancellationToken).AsTask();
        var receiving = ReceiveAsync(flood, sent.Length);
        var result = await guest.RunAsync(command);
        await sending;

        var lines = result.Output.Split('\n', 3);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(sent)), lines[1]);
        Assert.Equal(SHA256.HashData(sent), SHA256.HashData(await receiving));
        Assert.Equal(string.Concat(Enumerable.Repeat("y\n", sent.Length / 2)), lines[2]);
        await AssertWrittenAsync(guest, result with { Output = lines[0] }, folder);
    }

    [Theory]
    [MemberData(nameof(GuestSuite.EachRelease), MemberType = typeof(GuestSuite))]
    public async Task A_full_host_disk_is_an_error_to_the_guest_and_an_event_to_the_host_and_nothing_else(string release)
    {
        using var folder = new TestFolder();
        var guest = new AgentGuest(await GuestSuite.FilesAsync(release), folder.At("root.img"));
        await using var full = new FaultStorage(
            new MemoryStorage(DiskBytes, "full"),
            [new FaultRule { Operation = BlockOperation.Write, OffsetBytes = DiskBytes / 2, Kind = BlockErrorKind.NoSpace }]);
        guest.Configuration.Disks = [guest.Configuration.Disks[0], full];
        var command =
            $"""
            dd if=/dev/zero of=/dev/vdb bs=1M oflag=direct 2>/tmp/message && echo 'dd saw no error'
            grep -q 'Input/output error' /tmp/message || cat /tmp/message
            dd if=/dev/vdb of=/dev/null bs=1M iflag=direct 2>/dev/null || echo 'reads fail too'
            {GuestCommands.WriteAndHash}
            """;

        var result = await guest.RunAsync(command);

        await AssertWrittenAsync(guest, result, folder);
        Assert.NotEmpty(guest.Exit!.HostErrors);
    }

    // The only line of output is the hash of /data; the host finds the same, and the file system is clean.
    private static async Task AssertWrittenAsync(AgentGuest guest, CommandResult result, TestFolder folder)
    {
        var image = guest.Configuration.Disks[0].Image!;
        Assert.Equal((0, ""), (result.Code, result.Errors));
        Assert.Equal(await HostImage.Sha256InsideAsync(image, "/data", folder.At("data")), result.Output.TrimEnd());
        await HostImage.AssertCleanAsync(image);
        Assert.Equal(MachineExitReason.PoweredOff, guest.Exit!.Reason);
    }

    private static async Task<byte[]> ReceiveAsync(ConsoleEndpoint port, int count)
    {
        var all = new byte[count];
        for (var got = 0; got < count;)
        {
            var length = await port.ReceiveAsync(all.AsMemory(got), TestContext.Current.CancellationToken);
            Assert.True(length > 0, $"the port ended after {got} of {count} bytes");
            got += length;
        }

        return all;
    }
}
