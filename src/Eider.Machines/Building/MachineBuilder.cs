using System.Globalization;
using Eider.Devices.BlockIo;
using Eider.Devices.Clock;
using Eider.Devices.Ide;
using Eider.Devices.Interrupts;
using Eider.Devices.Pci;
using Eider.Devices.Power;
using Eider.Devices.Serial;
using Eider.Devices.SimpleVirtio;
using Eider.Devices.Virtio.Entropy;
using Eider.Devices.Virtio.Transport;
using Eider.Hardware.Bus;
using Eider.Hardware.Interrupts;
using Eider.Hardware.Lifecycle;
using Eider.Hardware.Memory;
using Eider.Hardware.Resources;
using Eider.Hardware.Time;
using Eider.Machines.Fdt;
using Eider.Machines.Kernels;
using Eider.RiscV;
using Eider.Storage;
using Eider.Storage.Layers;

namespace Eider.Machines.Building;

/// <summary>
/// Makes the parts of a machine from its configuration. When something is wrong, everything that was opened so far is
/// closed again.
/// </summary>
internal sealed partial class MachineBuilder : IAsyncDisposable
{
    // The wall clock of a deterministic machine when it starts: 2025-01-01 00:00 UTC.
    private const ulong DeterministicEpochNanoseconds = 1_735_689_600_000_000_000;
    private const int RandomSeedBytes = 64;

    // A double word for each hart at the start of the CLINT.
    private const ulong ClintMsipBytes = 4;

    private readonly MachineConfiguration _configuration;
    private readonly BoardPlan _plan;
    private readonly IMachineHost _host;
    private readonly IoManager _io = new();
    private readonly ResourceManager _resources = new(ResourcePools.ForBoard());
    private readonly DeviceManager _board;
    private readonly HartPins[] _pins;
    private readonly Timebase _timebase;
    private readonly IRandomSource _random;
    private readonly IExecutor _executor;
    private readonly List<BlockStorage> _disks = [];
    private readonly List<BlockStorage> _ownedDisks = [];
    private readonly List<MachineConsole> _consoles = [];
    private readonly List<IDisposable> _files = [];
    private readonly List<VirtioTransport> _virtio = [];
    private readonly List<IdeChannel> _channels = [];
    private readonly List<MachineCdDrive> _cdDrives = [];
    private readonly List<SimpleVirtioBlock> _svirtb = [];
    private readonly IdeBuilder _ide;
    private readonly SvirtbBuilder _svirtbDisks;
    private readonly BioBuilder _bioBuilder;
    private readonly List<BioDevice> _bio = [];

    // Throttles of one name are one group for all disks of the machine.
    private readonly StorageLayerContext _layers = new(TimeProvider.System);
    private GuestRam? _ram;
    private KernelLoading? _loading;
    private PciBus? _pci;
    private InterruptManager? _messages;
    private bool _done;

    public MachineBuilder(MachineConfiguration configuration, IMachineHost host)
    {
        _configuration = configuration;
        _host = host;
        _ide = new IdeBuilder(configuration, host);
        _svirtbDisks = new SvirtbBuilder(configuration, host);
        _bioBuilder = new BioBuilder(configuration, host);
        _plan = ConfigurationCheck.Check(configuration);
        _board = new DeviceManager(_resources, _io);
        _pins = new HartPins[configuration.Harts];
        for (var hart = 0; hart < _pins.Length; hart++)
        {
            _pins[hart] = new HartPins();
        }

        if (configuration.Seed is { } seed)
        {
            _timebase = new VirtualTimebase(DeterministicEpochNanoseconds, BoardLayout.TimebaseFrequencyHz);
            _random = new SeededRandomSource(seed);
            _executor = new ManualExecutor();
        }
        else
        {
            _timebase = new HostTimebase(configuration.Clock, BoardLayout.TimebaseFrequencyHz);
            _random = new HostRandomSource();
            _executor = new ThreadExecutor(exception => host.Fault("worker", exception));
        }
    }

    /// <summary>Opens, loads and connects everything.</summary>
    /// <param name="console">The console of the serial port; null if the configuration has another host end.</param>
    /// <exception cref="MachineConfigurationException">The user's mistake, in one line.</exception>
    public async Task<MachineParts> BuildAsync(MachineConsole? console)
    {
        CheckConsoleFiles();
        _ram = MapMemory();
        _loading = KernelLoading.Start(_ram, Describe(), _configuration);
        return await ConnectAsync(_ram, _loading, console).ConfigureAwait(false);
    }

    /// <summary>Goes the same way without a kernel, for what the runtime loads and compiles on it.</summary>
    public async Task RehearseAsync()
    {
        _ram = MapMemory();
        _loading = KernelLoading.WithoutKernel(_ram, Describe());
        var parts = await ConnectAsync(_ram, _loading, console: null).ConfigureAwait(false);
        parts.Engine.Dispose();
        parts.SerialPeer.Dispose();
        _done = false; // nobody takes the parts: the builder takes them apart
    }

    // What can be refused of the kernel is refused before a file of a console is made.
    private async Task<MachineParts> ConnectAsync(GuestRam ram, KernelLoading loading, MachineConsole? console)
    {
        await OpenImagesAsync().ConfigureAwait(false);
        if (_configuration.Trace is { } trace && (trace.Categories & (TraceCategory.Mmio | TraceCategory.Pio)) != 0)
        {
            _io.Trace = trace.Sink;
        }

        var plic = await AddAsync(_plan.Plic, _ => new Plic(_pins)).ConfigureAwait(false);
        var clint = await AddAsync(_plan.Clint, _ => new Clint(_pins, _timebase)).ConfigureAwait(false);
        if (_plan.HasPci)
        {
            await AddPciHostAsync(plic, clint).ConfigureAwait(false);
        }

        await AddAsync(_plan.Rtc, granted => new GoldfishRtc(_timebase, Wire(plic, granted))).ConfigureAwait(false);
        var peer = new ConsoleSerialPeer(_configuration.Serial ?? console!);
        var uart = await AddAsync(_plan.Serial, granted => new Uart16550(Wire(plic, granted), peer)).ConfigureAwait(false);
        await AddAsync(_plan.Power, _ => new PowerDevice(_host)).ConfigureAwait(false);
        var boot = loading.Wait();
        await AddConfiguredDevicesAsync(plic).ConfigureAwait(false);
        var parts = new MachineParts
        {
            Ram = ram,
            Timebase = _timebase,
            Executor = _executor,
            Engine = MakeEngine(boot, peer),
            Board = _board,
            Uart = uart,
            SerialPeer = peer,
            Virtio = _virtio,
            Ide = _channels,
            Bio = _bio,
            CdDrives = _cdDrives,
            Svirtb = _svirtb,
            Disks = _disks,
            OwnedDisks = _ownedDisks,
            Consoles = _consoles,
            Files = _files,
        };
        _done = true;
        return parts;
    }

    private async Task OpenImagesAsync()
    {
        await OpenDisksAsync().ConfigureAwait(false);
        if (_configuration.Ide.Count != 0)
        {
            await _ide.OpenAsync(_layers, KeepDisk).ConfigureAwait(false);
        }

        await _svirtbDisks.OpenAsync(_layers, KeepDisk).ConfigureAwait(false);
        if (_configuration.Bio.Count != 0)
        {
            await _bioBuilder.OpenAsync(_layers, KeepDisk).ConfigureAwait(false);
        }
    }

    /// <summary>What stands beside the parts that every board has.</summary>
    private async Task AddConfiguredDevicesAsync(Plic plic)
    {
        await AddVirtioDevicesAsync(plic).ConfigureAwait(false);
        if (_plan.Ide.Count != 0)
        {
            await AddIdeAsync(plic).ConfigureAwait(false);
        }

        await AddSvirtbAsync().ConfigureAwait(false);
        foreach (var (place, file) in _plan.MappedFiles.Zip(_configuration.Mmap).Where(pair => !pair.Second.IsRam))
        {
            await AddAsync(place, _ => MappedFiles.OpenWindow(file)).ConfigureAwait(false);
        }

        if (_plan.HardwareTable is { } table)
        {
            await AddDuckyAsync(plic, table).ConfigureAwait(false);
        }

        await AddBoardDevicesAsync(plic).ConfigureAwait(false);
    }

    /// <summary>Closes what was opened, unless the parts were made.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_done)
        {
            return;
        }

        _loading?.End();
        foreach (var (name, _) in _board.Devices.Reverse())
        {
            await _board.DestroyAsync(name).ConfigureAwait(false);
        }

        foreach (var disk in _ownedDisks)
        {
            await disk.DisposeAsync().ConfigureAwait(false);
        }

        _files.ForEach(file => file.Dispose());
        _ram?.Dispose();
    }

    /// <summary>Makes an entropy device.</summary>
    /// <exception cref="ArgumentException">The rate is impossible.</exception>
    internal static EntropyHandler MakeEntropy(EntropyConfiguration entropy) => new EntropyDevice
    {
        RateLimit = entropy.BytesPerSecond is { } bytes ? new EntropyRateLimit(bytes, TimeSpan.FromSeconds(1)) : null,
    }.Build();

    private GuestRam MapMemory()
    {
        CheckMemory(_configuration.Memory, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
        try
        {
            _ = _resources.Allocate(_plan.Ram);
            foreach (var (place, _) in _plan.MappedFiles.Zip(_configuration.Mmap).Where(pair => pair.Second.IsRam))
            {
                _ = _resources.Allocate(place.Constraints);
            }

            return new GuestRam(BoardLayout.RamRegions(_configuration.Memory.Bytes), MappedFiles.OpenRam(_configuration)); // exactly what the plan asks for
        }
        catch (InsufficientMemoryException cause)
        {
            throw new MachineConfigurationException(
                MachineErrorKind.NotEnoughMemory, "$.memory", $"the host cannot map {_configuration.Memory}", "give the machine less", cause);
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw MappedFiles.NotMapped(_configuration.Mmap.Where(file => file.IsRam), cause); // nothing else here is a file of the user's
        }
    }

    /// <summary>
    /// RAM costs the host what the guest touches of it, so more may be given than there is. But a guest that gets many times as much
    /// touches too much for its own tables already, and the host then ends the process without a word.
    /// </summary>
    /// <exception cref="MachineConfigurationException">It is too much.</exception>
    internal static void CheckMemory(ByteSize memory, long hostBytes)
    {
        const long Times = 4;
        if (memory.Bytes / Times > hostBytes)
        {
            throw new MachineConfigurationException(
                MachineErrorKind.NotEnoughMemory,
                "$.memory",
                string.Create(CultureInfo.InvariantCulture, $"found {memory}, expected at most {Times} times the {hostBytes >> 20}M that this host has"),
                "give the machine less");
        }
    }

    private RiscVEngine MakeEngine(BootPlan boot, IConsoleSink console) => new(new RiscVEngineOptions
    {
        Ram = _ram!,
        Io = _io,
        Timebase = _timebase,
        Pins = _pins,
        Console = console,
        Power = _host,
        EntryPoint = boot.EntryPoint,
        DeviceTreeAddress = boot.DeviceTreeAddress,
        Start = boot.Mode == BootMode.Machine ? RiscVStartMode.Machine : RiscVStartMode.Supervisor,
    });

    private BoardDescription Describe()
    {
        var seed = new byte[RandomSeedBytes];
        _random.Fill(seed);
        return new BoardDescription
        {
            Ram = BoardLayout.RamRegions(_configuration.Memory.Bytes),
            Harts = _configuration.Harts,
            IsaString = RiscVEngine.IsaString,
            IsaExtensions = RiscVEngine.IsaExtensions,
            MmuType = "riscv,sv57",
            CommandLine = _configuration.CommandLine,
            RandomSeed = seed,
            HasClint = _configuration.Firmware is not null,
            Power = _plan.Power.Base,
            Rtc = (_plan.Rtc.Base, _plan.Rtc.Source!.Value),
            Serial = (_plan.Serial.Base, _plan.Serial.Source!.Value),
            VirtioDevices = [.. _plan.Virtio.Where(device => device.Pci is null).Select(device => (device.Base, device.Source!.Value))],
            HasPci = _plan.HasPci,
            IdeChannels = DescribeIde(),
            CustomDevices = [.. _plan.Custom.Zip(_configuration.BoardDevices).Where(pair => pair.Second.Compatible is not null)
                .Select(pair => (pair.First.Name, pair.Second.Compatible!, pair.First.Base, pair.First.SizeBytes, pair.First.Source))],
            SvirtbDevices = [.. _plan.Svirtb.Zip(_configuration.Svirtb).Select(pair => (pair.First.Base, pair.Second.Stride))],
            MappedFiles = [.. _plan.MappedFiles.Select(file => (file.Base, file.SizeBytes))],
            HasHardwareTable = _plan.HardwareTable is not null,
            BioDevices = [.. _plan.Bio.Zip(_configuration.Bio).Select(pair => (pair.First.Base, pair.First.Source, SidsOf(pair.Second)))],
        };
    }

    // Before the first of them is made or emptied.
    private void CheckConsoleFiles()
    {
        foreach (var port in _configuration.Consoles.Where(console => console.Device is null).SelectMany(console => console.Ports))
        {
            if (port.Input is { } input)
            {
                HostFiles.OpenRead(input).Dispose();
            }

            if (port.Output is { } output)
            {
                HostFiles.CheckCreate(output);
            }
        }
    }

    private void KeepDisk(BlockStorage storage, bool isOwned)
    {
        _disks.Add(storage);
        if (isOwned)
        {
            _ownedDisks.Add(storage);
        }
    }

    private (ulong Base, int Source, int RegisterShift)[] DescribeIde()
    {
        if (_plan.Ide.Count == 0)
        {
            return [];
        }

        return [.. _plan.Ide.Zip(_configuration.Ide).Where(pair => pair.First.Pci is null)
            .Select(pair => (pair.First.Base, pair.First.Source!.Value, pair.Second.RegisterShift))];
    }

    private static IReadOnlyList<uint> SidsOf(BioConfiguration bio) =>
        [.. bio.Storages.Select(storage => (storage.Sid ?? storage.Blocks?.Sid)!.Value)];

    private async Task OpenDisksAsync()
    {
        foreach (var disk in _configuration.Disks)
        {
            if (disk.Storage is { } storage)
            {
                _disks.Add(storage);
            }
            else
            {
                var opened = await DiskOpener.OpenAsync(disk, _layers).ConfigureAwait(false);
                _disks.Add(opened);
                _ownedDisks.Add(opened);
            }
        }
    }
}
