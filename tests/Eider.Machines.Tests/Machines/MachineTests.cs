using Eider.Devices.Virtio;
using Eider.Storage;
using Eider.Storage.Backends;
using Eider.Storage.Layers;

namespace Eider.Machines.Tests.Machines;

public sealed class MachineTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _directory = Directory.CreateTempSubdirectory("eider-machine").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData(0x5555, 0, MachineExitReason.PoweredOff)]
    [InlineData(0x3333, 42, MachineExitReason.PoweredOff)]
    [InlineData(0x7777, 0, MachineExitReason.RestartRequested)]
    public async Task A_program_prints_and_ends_the_machine(ushort command, ushort code, MachineExitReason reason)
    {
        await using var machine = await Machine.CreateAsync(Configure(new BareMetal().Print("hello\n").Finish(command, code)));
        Assert.Equal(MachineState.Created, machine.State);
        var exit = await machine.RunAsync(TestContext.Current.CancellationToken).WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.Equal((reason, (int)code, null), (exit.Reason, exit.Code, exit.Fault));
        Assert.Equal("hello\n", machine.Console.Transcript);
        Assert.Equal(MachineState.Ended, machine.State);
    }

    [Fact]
    public async Task A_program_reads_what_is_typed()
    {
        var program = new BareMetal().Print("> ");
        Echo(program);
        await using var machine = await Machine.StartAsync(Configure(program));
        await machine.Console.WaitForAsync("> ", Patience, TestContext.Current.CancellationToken);
        await machine.Console.SendLineAsync("ping", TestContext.Current.CancellationToken);
        Assert.Equal("ping\n", await machine.Console.WaitForAsync("\n", Patience, TestContext.Current.CancellationToken));
        var exit = await machine.StopAsync();
        Assert.Equal(MachineExitReason.Stopped, exit.Reason);
    }

    [Fact]
    public async Task Cancelling_stops_a_machine_that_spins_and_flushes_its_disks()
    {
        var storage = new MemoryStorage(1 << 20);
        var configuration = Configure(new BareMetal().Jump(0));
        configuration.Disks = [storage];
        await using var machine = await Machine.CreateAsync(configuration);
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        var exit = await machine.RunAsync(cancel.Token).WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.Equal(MachineExitReason.Stopped, exit.Reason);
        Assert.Empty(exit.HostErrors);
        Assert.True(machine.GetStatistics().Instructions > 1000);
    }

    [Fact]
    public async Task A_machine_whose_harts_wait_uses_no_CPU_time()
    {
        var program = new BareMetal().Print("idle");
        program.Wfi().Jump(program.Here - 4);
        await using var machine = await Machine.StartAsync(Configure(program));
        await machine.Console.WaitForAsync("idle", Patience, TestContext.Current.CancellationToken);
        await Task.Delay(200, TestContext.Current.CancellationToken);
        var before = machine.GetStatistics();
        await Task.Delay(1000, TestContext.Current.CancellationToken);
        var after = machine.GetStatistics();
        Assert.True(after.EngineCpuSeconds - before.EngineCpuSeconds < 0.2);
        Assert.Equal(before.Instructions, after.Instructions);
    }

    [Fact]
    public async Task A_machine_that_was_never_started_is_disposed_of()
    {
        var machine = await Machine.CreateAsync(Configure(new BareMetal().Jump(0)));
        await machine.DisposeAsync();
        Assert.Equal(MachineExitReason.Stopped, (await machine.Completion).Reason);
        await machine.DisposeAsync();
    }

    [Fact]
    public async Task Waiting_for_output_fails_when_the_machine_ends_first()
    {
        await using var machine = await Machine.StartAsync(Configure(new BareMetal().Print("bye").Finish(0x5555)));
        var error = await Assert.ThrowsAsync<MachineEndedException>(
            () => machine.Console.WaitForAsync("login:", Patience, TestContext.Current.CancellationToken));
        Assert.Contains("'bye'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Statistics_name_instructions_times_and_what_each_device_did()
    {
        await using var machine = await Machine.CreateAsync(Configure(new BareMetal().Print("12345").Finish(0x5555)));
        await machine.RunAsync(TestContext.Current.CancellationToken);
        using var json = System.Text.Json.JsonDocument.Parse(machine.GetStatistics().ToJson());
        var root = json.RootElement;
        Assert.True(root.GetProperty("instructions").GetInt64() is > 10 and < 1_000_000);
        Assert.True(root.GetProperty("engineCpuSeconds").GetDouble() >= 0);
        Assert.True(root.GetProperty("wallSeconds").GetDouble() > 0);
        Assert.True(root.GetProperty("firstInstructionMs").GetDouble() > 0);
        var serial = root.GetProperty("devices").EnumerateArray().Single(device => device.GetProperty("name").GetString() == "serial");
        Assert.Equal(5, serial.GetProperty("writtenBytes").GetInt64());
        foreach (var name in new[] { "requests", "readBytes", "seconds", "failures" })
        {
            Assert.Equal(System.Text.Json.JsonValueKind.Number, serial.GetProperty(name).ValueKind);
        }
    }

    [Fact]
    public async Task Two_machines_with_one_seed_do_exactly_the_same()
    {
        var program = new BareMetal();
        Timer(program);
        var first = await RunDeterministic(program);
        var second = await RunDeterministic(program);
        Assert.Equal(first, second);
        Assert.Contains("tick", first.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bug_in_a_device_stops_its_machine_with_a_fault_record_and_nothing_else()
    {
        var configuration = Configure(new BareMetal()
            .Addi(BareMetal.T0, BareMetal.Zero, 0x1A)
            .Emit(0x01B2_9293) // slli t0, t0, 27: 0xD0000000
            .Lbu(BareMetal.A0, BareMetal.T0, 0x100)
            .Jump(12));
        configuration.Devices = [new CustomDeviceConfiguration { Device = new BrokenDevice(), Name = "broken" }];
        await using var broken = await Machine.StartAsync(configuration);
        var exit = await broken.WaitForExitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.Equal(MachineExitReason.Faulted, exit.Reason);
        Assert.IsType<InvalidTimeZoneException>(exit.Fault?.Exception);

        await using var other = await Machine.CreateAsync(Configure(new BareMetal().Print("fine").Finish(0x5555)));
        Assert.Equal(MachineExitReason.PoweredOff, (await other.RunAsync(TestContext.Current.CancellationToken)).Reason);
    }

    [Theory]
    [InlineData(null)]
    [InlineData(1UL)]
    public async Task When_a_machine_ends_each_device_is_closed_once_the_last_one_first(ulong? seed)
    {
        var closed = new List<string>();
        var configuration = Configure(new BareMetal().Finish(0x5555));
        configuration.Seed = seed;
        configuration.Devices = [Custom("a", closed), Custom("b", closed)];
        await using (var machine = await Machine.CreateAsync(configuration))
        {
            await machine.RunAsync(TestContext.Current.CancellationToken);
            Assert.Equal(["b", "a"], closed);
        }

        Assert.Equal(["b", "a"], closed);
    }

    [Fact]
    public async Task When_a_device_cannot_be_made_those_before_it_are_closed_again()
    {
        var closed = new List<string>();
        var configuration = Configure(new BareMetal().Finish(0x5555));
        configuration.Devices = [Custom("a", closed), Custom("b", closed), Custom("c", closed, "no such size")];
        var error = await Assert.ThrowsAsync<MachineConfigurationException>(() => Machine.CreateAsync(configuration));
        Assert.StartsWith("$.devices[2]: no such size", error.Message, StringComparison.Ordinal);
        Assert.Equal(["b", "a"], closed);
    }

    [Fact]
    public async Task Eight_harts_begin_at_the_entry_point_of_a_bare_metal_program()
    {
        // Each hart adds its number + 1 to a word behind the program (amoadd.w); hart 0 waits for 36, then ends.
        var program = new BareMetal()
            .ReadHartId(BareMetal.T1).Addi(BareMetal.T2, BareMetal.T1, 1)
            .Emit(0x0000_1297) // auipc t0, 1
            .Emit(0x0072_A02F); // amoadd.w zero, t2, (t0)
        var park = program.Here + 8;
        program.BranchIfZero(BareMetal.T1, park + 4).Wfi().Jump(park - 4);
        program.Lbu(BareMetal.A0, BareMetal.T0, 0).Addi(BareMetal.A0, BareMetal.A0, -36);
        program.BranchIfZero(BareMetal.A0, program.Here + 8).Jump(park + 4).Finish(0x3333, 36);
        var configuration = Configure(program);
        configuration.Harts = 8;
        await using var machine = await Machine.StartAsync(configuration);
        Assert.Equal(36, (await machine.WaitForExitAsync(Patience, TestContext.Current.CancellationToken)).Code);
    }

    [Fact]
    public async Task One_image_cannot_be_written_by_two_machines()
    {
        var image = Path.Combine(_directory, "disk.img");
        await File.WriteAllBytesAsync(image, new byte[4096], TestContext.Current.CancellationToken);
        var configuration = Configure(new BareMetal().Jump(0));
        configuration.Disks = [image];
        await using (await Machine.CreateAsync(configuration))
        {
            var error = await Assert.ThrowsAsync<MachineConfigurationException>(() => Machine.CreateAsync(configuration));
            Assert.Equal(MachineErrorKind.Busy, error.Kind);
            Assert.StartsWith(image, error.Message, StringComparison.Ordinal);
        }

        await using var later = await Machine.CreateAsync(configuration);
        Assert.Equal(4096, later.Disks[0].SizeBytes);
    }

    [Theory]
    [InlineData(1000, MachineErrorKind.BadInput, "multiple of 512")]
    [InlineData(-1, MachineErrorKind.MissingInput, "")]
    public async Task A_disk_that_cannot_be_one_is_refused_and_what_was_opened_is_closed(int bytes, MachineErrorKind kind, string part)
    {
        var good = Path.Combine(_directory, "good.img");
        var bad = Path.Combine(_directory, "bad.img");
        await File.WriteAllBytesAsync(good, new byte[512], TestContext.Current.CancellationToken);
        if (bytes >= 0)
        {
            await File.WriteAllBytesAsync(bad, new byte[bytes], TestContext.Current.CancellationToken);
        }

        var configuration = Configure(new BareMetal().Jump(0));
        configuration.Disks = [good, bad];
        var error = await Assert.ThrowsAsync<MachineConfigurationException>(() => Machine.CreateAsync(configuration));
        Assert.Equal(kind, error.Kind);
        Assert.StartsWith(bad, error.Message, StringComparison.Ordinal);
        Assert.Contains(part, error.Message, StringComparison.Ordinal);
        await using var reopened = FileStorage.Open(good);
    }

    [Fact]
    public async Task Rings_and_features_are_offered_as_the_configuration_says()
    {
        var configuration = Configure(new BareMetal().Jump(0));
        configuration.Disks =
        [
            "mem:1M",
            new DiskConfiguration { Image = "mem:1M", Ring = VirtioRing.Split, Features = ["access_platform", "+in_order", "-event_idx", "-9"] },
        ];
        await using var machine = await Machine.CreateAsync(configuration);
        var plain = machine.VirtioDevices[0].OfferedFeatures;
        var chosen = machine.VirtioDevices[1].OfferedFeatures;
        Assert.True(plain.Has(VirtioFeature.RingPacked) && plain.Has(VirtioFeature.EventIdx) && !plain.Has(VirtioFeature.AccessPlatform));
        Assert.True(chosen.Has(VirtioFeature.AccessPlatform) && chosen.Has(VirtioFeature.InOrder));
        Assert.False(chosen.Has(VirtioFeature.RingPacked) || chosen.Has(VirtioFeature.EventIdx));
        Assert.Equal(1UL << 9, plain & (1UL << 9)); // VIRTIO_BLK_F_FLUSH
        Assert.Equal(0UL, chosen & (1UL << 9));
    }

    [Fact]
    public async Task A_failed_flush_at_the_end_is_reported()
    {
        var storage = new FaultStorage(
            new MemoryStorage(1 << 20), [new FaultRule { Operation = BlockOperation.Flush, Kind = BlockErrorKind.NoSpace }]);
        var configuration = Configure(new BareMetal().Finish(0x5555));
        configuration.Disks = [storage];
        await using var machine = await Machine.CreateAsync(configuration);
        var seen = "";
        machine.HostError += (_, error) => seen = error.Message;
        var exit = await machine.RunAsync(TestContext.Current.CancellationToken);
        Assert.Equal(MachineExitReason.PoweredOff, exit.Reason);
        Assert.Equal([seen], exit.HostErrors);
        Assert.NotEqual("", seen);
    }

    [Fact]
    public async Task A_guest_that_sleeps_to_the_end_of_virtual_time_does_not_fault_the_machine()
    {
        var program = new BareMetal()
            .Lui(BareMetal.T0, 0x2004).Addi(BareMetal.A0, BareMetal.Zero, -16).Sd(BareMetal.A0, BareMetal.T0, 0) // mtimecmp
            .Addi(BareMetal.T1, BareMetal.Zero, 0x80).EnableInterrupts(BareMetal.T1).Wfi()
            .Lui(BareMetal.T0, 0x101).Emit(0x0002_A583) // lw a1, 0(t0): the RTC
            .Addi(BareMetal.A0, BareMetal.Zero, 2000);
        var loop = program.Here;
        program.Addi(BareMetal.A0, BareMetal.A0, -1).BranchIfZero(BareMetal.A0, loop + 12).Jump(loop).Finish(0x5555);
        var configuration = Configure(program);
        configuration.Seed = 7;
        await using var machine = await Machine.StartAsync(configuration);
        var exit = await machine.WaitForExitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.Equal((MachineExitReason.PoweredOff, null), (exit.Reason, exit.Fault?.Exception.Message));
    }

    private static CustomDeviceConfiguration Custom(string name, List<string> closed, string? problem = null) =>
        new() { Device = new ClosingDevice(name, closed, problem), Name = name };

    private async Task<(ulong Instructions, string Output)> RunDeterministic(BareMetal program)
    {
        var configuration = Configure(program);
        configuration.Seed = 7;
        await using var machine = await Machine.CreateAsync(configuration);
        await machine.RunAsync(TestContext.Current.CancellationToken).WaitAsync(Patience, TestContext.Current.CancellationToken);
        return (machine.GetStatistics().Instructions, machine.Console.Transcript);
    }

    // Sets mtimecmp one second ahead, waits for the interrupt, prints, powers off.
    private static void Timer(BareMetal program) => program
        .Lui(BareMetal.T0, 0x200C).Ld(BareMetal.A0, BareMetal.T0, -8) // mtime at 0x0200BFF8
        .Lui(BareMetal.T1, 0x989).Addi(BareMetal.T1, BareMetal.T1, 0x680) // 10,000,000 ticks
        .Emit(0x00650533) // add a0, a0, t1
        .Lui(BareMetal.T0, 0x2004).Sd(BareMetal.A0, BareMetal.T0, 0) // mtimecmp of hart 0
        .Addi(BareMetal.T1, BareMetal.Zero, 0x80).EnableInterrupts(BareMetal.T1) // MTIE; mstatus.MIE stays off
        .Wfi()
        .Print("tick")
        .Finish(0x5555);

    // Copies characters from the serial port back to it for ever.
    private static void Echo(BareMetal program)
    {
        var loop = program.Here;
        program.Lbu(BareMetal.A0, BareMetal.T0, 5).Andi(BareMetal.A0, BareMetal.A0, 1);
        program.BranchIfZero(BareMetal.A0, loop);
        program.Lbu(BareMetal.A0, BareMetal.T0, 0).Sb(BareMetal.A0, BareMetal.T0, 0).Jump(loop);
    }

    private MachineConfiguration Configure(BareMetal program)
    {
        var path = Path.Combine(_directory, "program.elf");
        File.WriteAllBytes(path, program.ToElf());
        return new MachineConfiguration { Memory = "4M", Kernel = path };
    }
}
