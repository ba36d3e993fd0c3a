using Eider.Hardware.Bus;

namespace Eider.Hardware.Tests.Bus;

public sealed class PendingAccessTests
{
    [Fact]
    public void It_is_completed_once_and_keeps_the_first_value()
    {
        var access = new PendingAccess();
        Assert.False(access.IsCompleted);
        Assert.True(access.Complete(7));
        Assert.False(access.Complete(8));
        Assert.True(access.IsCompleted);
        Assert.Equal(7UL, access.Value);
    }

    [Fact]
    public void The_continuation_runs_once_before_or_after()
    {
        var access = new PendingAccess();
        var runs = 0;
        access.OnCompleted(() => runs++);
        Assert.Equal(0, runs);
        access.Complete();
        access.Complete();
        Assert.Equal(1, runs);
        access.OnCompleted(() => runs++);
        Assert.Equal(2, runs);
    }

    [Fact]
    public void One_hart_waits_not_two()
    {
        var access = new PendingAccess();
        access.OnCompleted(() => { });
        Assert.Throws<InvalidOperationException>(() => access.OnCompleted(() => { }));
    }

    [Fact]
    public void A_pending_answer_carries_what_to_wait_for()
    {
        Assert.Throws<ArgumentException>(() => BusResult.FromStatus(BusStatus.Pending));
        var access = new PendingAccess();
        Assert.Equal(BusResult.WaitFor(access), BusResult.WaitFor(access));
        Assert.NotEqual(BusResult.WaitFor(access), BusResult.WaitFor(new PendingAccess()));
        Assert.True(BusResult.Ok == BusStatus.Ok);
    }

    [Fact]
    public void It_is_used_again_once_its_answer_was_taken_and_not_before()
    {
        var pool = new PendingAccessPool();
        var access = pool.Rent();
        access.Complete(7);
        Assert.NotSame(access, pool.Rent());
        Assert.Equal(7UL, access.TakeValue());
        Assert.Same(access, pool.Rent());
        Assert.Equal((false, 0UL), (access.IsCompleted, access.Value));

        var runs = 0;
        access.OnCompleted(() => runs++);
        Assert.True(access.Complete(8));
        Assert.Equal((8UL, 1), (access.TakeValue(), runs));
    }

    // A worker and a reset complete at the same time, while the hart sets its continuation.
    [Fact]
    public void Whoever_comes_first_the_hart_goes_on_once_with_one_value()
    {
        for (var round = 0; round < 60; round++)
        {
            var access = new PendingAccess();
            using var start = new Barrier(3);
            int winners = 0, runs = 0;
            var seen = 0UL;
            var completers = Enumerable.Range(1, 2).Select(value => new Thread(() =>
            {
                start.SignalAndWait(TestContext.Current.CancellationToken);
                Interlocked.Add(ref winners, access.Complete((ulong)value) ? 1 : 0);
            })).ToArray();
            Array.ForEach(completers, completer => completer.Start());
            start.SignalAndWait(TestContext.Current.CancellationToken);
            access.OnCompleted(() =>
            {
                runs++;
                seen = access.Value;
            });
            Array.ForEach(completers, completer => completer.Join());
            Assert.Equal((1, 1), (winners, runs));
            Assert.Equal(access.Value, seen);
        }
    }
}
