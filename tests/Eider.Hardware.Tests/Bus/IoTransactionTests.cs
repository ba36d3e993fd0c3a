using Eider.Hardware.Bus;
using Eider.Hardware.Resources;
using Eider.Testing.Hardware;

namespace Eider.Hardware.Tests.Bus;

public sealed class IoTransactionTests
{
    private static readonly DeviceResources Low = new(new Resource.MmioAddressRange(0x1000, 0x100));
    private static readonly DeviceResources High = new(new Resource.MmioAddressRange(0x2000, 0x100), new Resource.PioAddressRange(0x20, 4));

    private readonly IoManager _bus = new();
    private readonly FakeDevice _device = new();
    private readonly FakeDevice _other = new();

    [Fact]
    public void Nothing_shows_before_the_commit_and_everything_after_it()
    {
        _bus.Register(_device, Low);
        using var transaction = _bus.BeginTransaction();
        transaction.Unregister(_device, Low);
        transaction.Register(_device, High);
        transaction.Register(_other, Low);
        Assert.Same(_device, Assert.Single(_bus.Registrations).Device);
        Assert.True(transaction.Commit().IsCompletedSuccessfully);
        Assert.Equal([_device, _other, _device], _bus.Registrations.Select(registration => registration.Device));
    }

    [Fact]
    public void Cancelled_it_leaves_nothing_behind()
    {
        using (var transaction = _bus.BeginTransaction())
        {
            transaction.Register(_device, Low);
            transaction.Cancel();
            Assert.Throws<InvalidOperationException>(() => transaction.Register(_other, High));
            Assert.Throws<InvalidOperationException>(transaction.Cancel);
        }

        using (var transaction = _bus.BeginTransaction())
        {
            transaction.Register(_device, Low);
        }

        Assert.Empty(_bus.Registrations);
        _bus.BeginTransaction().Dispose();
    }

    [Fact]
    public void A_step_that_is_refused_leaves_the_others()
    {
        using var transaction = _bus.BeginTransaction();
        transaction.Register(_device, Low);
        Assert.Throws<BusOverlapException>(() => transaction.Register(_other, Low));
        Assert.Throws<BusOwnershipException>(() => transaction.Unregister(_other, Low));
        transaction.Commit();
        Assert.Same(_device, Assert.Single(_bus.Registrations).Device);
    }

    [Fact]
    public void A_second_one_is_refused_at_once_on_this_thread_and_on_another()
    {
        using var transaction = _bus.BeginTransaction();
        Assert.Throws<InvalidOperationException>(_bus.BeginTransaction);
        Exception? elsewhere = null;
        var thread = new Thread(() => elsewhere = Record.Exception(() => _bus.BeginTransaction().Dispose()));
        thread.Start();
        Assert.True(thread.Join(TimeSpan.FromSeconds(10)));
        Assert.IsType<InvalidOperationException>(elsewhere);
        transaction.Commit();
        using var next = _bus.BeginTransaction();
    }

    [Fact]
    public void What_is_registered_meanwhile_is_kept()
    {
        using var transaction = _bus.BeginTransaction();
        transaction.Register(_device, Low);
        _bus.Register(_other, High);
        transaction.Commit();
        Assert.Equal(3, _bus.Registrations.Count);
    }

    [Fact]
    public void A_commit_that_meets_a_device_registered_meanwhile_changes_nothing_and_can_be_cancelled()
    {
        using var transaction = _bus.BeginTransaction();
        transaction.Register(_device, High);
        transaction.Register(_device, Low);
        _bus.Register(_other, Low);
        Assert.Throws<BusOverlapException>(() => { _ = transaction.Commit(); });
        Assert.Same(_other, Assert.Single(_bus.Registrations).Device);
        Assert.Throws<InvalidOperationException>(_bus.BeginTransaction);
        transaction.Cancel();
        _bus.BeginTransaction().Dispose();
    }

    [Fact]
    public void A_list_changed_after_the_step_changes_nothing()
    {
        var resources = new DeviceResources(new Resource.MmioAddressRange(0x1000, 0x100));
        using var transaction = _bus.BeginTransaction();
        transaction.Register(_device, resources);
        resources.Append(new Resource.MmioAddressRange(0x3000, 0x100));
        transaction.Commit();
        Assert.Single(_bus.Registrations);
    }
}
