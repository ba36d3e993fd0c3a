using Eider.Hardware.Bus;
using Eider.Hardware.Resources;
using Eider.Testing.Hardware;

namespace Eider.Hardware.Tests.Bus;

public sealed class BusQuiescenceTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);
    private static readonly DeviceResources Place = new(new Resource.MmioAddressRange(0x1000, 0x100));
    private static readonly DeviceResources NewPlace = new(new Resource.MmioAddressRange(0x2000, 0x100));

    private readonly IoManager _bus = new();
    private readonly FakeDevice _device = new();

    [Fact]
    public void From_outside_removal_waits_for_the_last_call_inside()
    {
        using var entered = new ManualResetEventSlim();
        using var leave = new ManualResetEventSlim();
        _device.OnAccess = _ =>
        {
            entered.Set();
            leave.Wait(Long);
            return BusStatus.Ok;
        };
        _bus.Register(_device, Place);
        var hart = new Thread(() => _bus.MmioRead(0x1000, new byte[1]));
        hart.Start();
        Assert.True(entered.Wait(Long, TestContext.Current.CancellationToken));

        Task? left = null;
        var owner = new Thread(() => left = _bus.Unregister(_device, Place));
        owner.Start();
        Assert.False(owner.Join(50));
        // New lookups miss already.
        Assert.Equal(BusStatus.NoDevice, _bus.MmioRead(0x1000, new byte[1]).Status);
        leave.Set();
        Assert.True(owner.Join(Long));
        Assert.True(left!.IsCompletedSuccessfully);
        hart.Join();
    }

    [Fact]
    public void From_inside_an_access_a_move_never_waits_misses_at_once_and_tells_when_the_call_has_left()
    {
        Task? left = null;
        var leftInside = true;
        var statusInside = BusStatus.Ok;
        _device.OnAccess = _ =>
        {
            using var transaction = _bus.BeginTransaction();
            transaction.Unregister(_device, Place);
            transaction.Register(_device, NewPlace);
            left = transaction.Commit();
            leftInside = left.IsCompleted;
            _device.OnAccess = null;
            statusInside = _bus.MmioRead(0x1000, new byte[1]).Status;
            return BusStatus.Ok;
        };
        _bus.Register(_device, Place);
        Assert.Equal(BusStatus.Ok, _bus.MmioWrite(0x1000, [1]).Status);
        Assert.False(leftInside);
        Assert.Equal(BusStatus.NoDevice, statusInside);
        Assert.True(left!.IsCompletedSuccessfully);
        Assert.Equal(BusStatus.Ok, _bus.MmioRead(0x2000, new byte[1]).Status);
    }

    [Fact]
    public void The_owner_is_told_on_the_thread_whose_call_left_last()
    {
        var told = 0;
        _device.OnAccess = _ =>
        {
            var left = _bus.Unregister(_device, Place);
            left.ContinueWith(
                _ => told = Environment.CurrentManagedThreadId,
                CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            return BusStatus.Ok;
        };
        _bus.Register(_device, Place);
        _bus.MmioRead(0x1000, new byte[1]);
        Assert.Equal(Environment.CurrentManagedThreadId, told);
    }

    [Fact]
    public void Two_harts_that_remove_each_others_device_from_inside_do_not_deadlock()
    {
        var otherPlace = NewPlace;
        var other = new FakeDevice();
        using var both = new Barrier(2);
        _device.OnAccess = _ => Remove(other, otherPlace);
        other.OnAccess = _ => Remove(_device, Place);
        _bus.Register(_device, Place);
        _bus.Register(other, otherPlace);
        var harts = Enumerable.Range(1, 2).Select(page => new Thread(() => _bus.MmioWrite((ulong)page << 12, [1]))).ToArray();
        Array.ForEach(harts, hart => hart.Start());
        Assert.All(harts, hart => Assert.True(hart.Join(Long)));
        Assert.Empty(_bus.Registrations);

        BusResult Remove(FakeDevice device, DeviceResources place)
        {
            both.SignalAndWait(Long);
            _ = _bus.Unregister(device, place);
            return BusStatus.Ok;
        }
    }

    [Fact]
    public void A_device_that_throws_is_counted_out()
    {
        _device.OnAccess = _ => throw new InvalidOperationException("a bug");
        _bus.Register(_device, Place);
        Assert.Throws<InvalidOperationException>(() => _bus.MmioRead(0x1000, new byte[1]));
        Assert.Throws<InvalidOperationException>(() => _bus.MmioWrite(0x1000, new byte[1]));
        // Would wait for ever, or think that it is inside, if a call were left in the count.
        Assert.True(_bus.Unregister(_device, Place).IsCompletedSuccessfully);
    }

    [Fact]
    public void Removing_one_range_waits_for_no_call_through_another_one_of_the_same_device()
    {
        using var entered = new ManualResetEventSlim();
        using var leave = new ManualResetEventSlim();
        _device.OnAccess = _ =>
        {
            entered.Set();
            leave.Wait(Long);
            return BusStatus.Ok;
        };
        _bus.Register(_device, Place);
        _bus.Register(_device, NewPlace);
        var hart = new Thread(() => _bus.MmioRead(0x1000, new byte[1]));
        hart.Start();
        Assert.True(entered.Wait(Long, TestContext.Current.CancellationToken));
        Assert.True(_bus.Unregister(_device, NewPlace).IsCompletedSuccessfully);
        leave.Set();
        hart.Join();
    }

    // Devices come, move and go while two harts read everywhere. A device that left is switched off right after
    // its removal returned: no call may reach it then. What is read must be whole: from one device at one place.
    [Fact]
    public void No_call_reaches_a_device_that_left_under_random_hotplug()
    {
        const int Slots = 24;
        var stop = false;
        long reads = 0, wrong = 0;
        var devices = Enumerable.Range(0, Slots).Select(i => new HotplugDevice((byte)i)).ToArray();
        var harts = Enumerable.Range(0, 2).Select(seed => new Thread(() =>
        {
            var random = new Random(seed);
            var data = new byte[4];
            while (!Volatile.Read(ref stop))
            {
                var slot = random.Next(Slots);
                var status = _bus.MmioRead((ulong)(slot * 0x100) + (ulong)random.Next(0xFD), data).Status;
                var sane = status == BusStatus.Ok ? data.All(value => value == slot) : data.All(value => value == 0xFF);
                Interlocked.Add(ref wrong, sane ? 0 : 1);
                Interlocked.Increment(ref reads);
            }
        })).ToArray();
        Array.ForEach(harts, hart => hart.Start());

        var owner = new Random(7);
        var present = new bool[Slots];
        var end = TimeProvider.System.GetTimestamp() + (2 * TimeProvider.System.TimestampFrequency);
        var changes = 0;
        while (TimeProvider.System.GetTimestamp() < end)
        {
            var slot = owner.Next(Slots);
            var place = new DeviceResources(new Resource.MmioAddressRange((ulong)slot * 0x100, 0x100));
            if (present[slot])
            {
                Assert.True(_bus.Unregister(devices[slot], place).IsCompletedSuccessfully);
                devices[slot].IsGone = true;
            }
            else
            {
                devices[slot].IsGone = false;
                _bus.Register(devices[slot], place);
            }

            present[slot] = !present[slot];
            changes++;
        }

        Volatile.Write(ref stop, true);
        Array.ForEach(harts, hart => hart.Join());
        Assert.Equal(0, wrong);
        Assert.Equal(0, devices.Sum(device => device.CallsWhileGone));
        Assert.True(reads > 10_000 && changes > 100, $"{reads} reads, {changes} changes");
    }

    private sealed class HotplugDevice(byte id) : IDeviceIo
    {
        private volatile bool _isGone = true;
        private int _callsWhileGone;

        public bool IsGone
        {
            set => _isGone = value;
        }

        public int CallsWhileGone => _callsWhileGone;

        public BusResult Read(IoAddress rangeBase, IoAddress offset, Span<byte> data)
        {
            CountIfGone();
            data.Fill(id);
            CountIfGone();
            return BusStatus.Ok;
        }

        private void CountIfGone()
        {
            if (_isGone)
            {
                Interlocked.Increment(ref _callsWhileGone);
            }
        }
    }
}
