using Eider.Hardware.Time;

namespace Eider.Hardware.Tests.Time;

public sealed class ExecutorTests
{
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(30);

    [Fact]
    public void By_hand_workers_run_in_the_order_of_their_signals_and_once_each()
    {
        var executor = new ManualExecutor();
        var ran = new List<string>();
        using var a = executor.CreateWorker("a", () => ran.Add("a"));
        using var b = executor.CreateWorker("b", () => ran.Add("b"));
        b.Signal();
        a.Signal();
        b.Signal();
        Assert.True(executor.HasPending);
        Assert.Equal(2, executor.RunPending());
        Assert.Equal(["b", "a"], ran);
        Assert.Equal(0, executor.RunPending());
    }

    [Fact]
    public void By_hand_a_signal_from_a_body_makes_it_run_again_behind_the_others()
    {
        var executor = new ManualExecutor();
        var ran = new List<string>();
        IWorker? a = null;
        a = executor.CreateWorker("a", () =>
        {
            ran.Add("a");
            if (ran.Count < 3)
            {
                a!.Signal();
            }
        });
        using var b = executor.CreateWorker("b", () => ran.Add("b"));
        a.Signal();
        b.Signal();
        Assert.Equal(3, executor.RunPending());
        Assert.Equal(["a", "b", "a"], ran);
    }

    [Fact]
    public void By_hand_a_limit_stops_workers_that_signal_for_ever()
    {
        var executor = new ManualExecutor();
        IWorker? a = null;
        a = executor.CreateWorker("a", () => a!.Signal());
        a.Signal();
        Assert.Equal(5, executor.RunPending(5));
        a.Dispose();
        Assert.Equal(0, executor.RunPending());
    }

    [Fact]
    public void By_hand_what_a_body_throws_comes_out_and_the_others_stay_pending()
    {
        var executor = new ManualExecutor();
        var ran = 0;
        using var bad = executor.CreateWorker("bad", () => throw new InvalidOperationException());
        using var good = executor.CreateWorker("good", () => ran++);
        bad.Signal();
        good.Signal();
        Assert.Throws<InvalidOperationException>(() => executor.RunPending());
        Assert.Equal(1, executor.RunPending());
        Assert.Equal(1, ran);
    }

    [Fact]
    public void By_hand_the_sleeper_is_woken_by_the_first_signal()
    {
        var executor = new ManualExecutor();
        var woken = 0;
        executor.WorkAvailable = () => woken++;
        using var a = executor.CreateWorker("a", () => { });
        using var b = executor.CreateWorker("b", () => { });
        a.Signal();
        b.Signal();
        Assert.Equal(1, woken);
    }

    [Fact]
    public void A_thread_runs_the_body_after_each_signal_and_never_twice_at_once()
    {
        var executor = new ThreadExecutor(_ => { });
        var inside = 0;
        var worst = 0;
        long produced = 0, seen = 0;
        using var done = new ManualResetEventSlim();
        using var worker = executor.CreateWorker("worker", () =>
        {
            worst = Math.Max(worst, Interlocked.Increment(ref inside));
            seen = Volatile.Read(ref produced);
            Interlocked.Decrement(ref inside);
            if (seen == 10_000)
            {
                done.Set();
            }
        });
        var signallers = Enumerable.Range(0, 2).Select(_ => new Thread(() =>
        {
            for (var i = 0; i < 5_000; i++)
            {
                Interlocked.Increment(ref produced);
                worker.Signal();
            }
        })).ToArray();
        foreach (var signaller in signallers)
        {
            signaller.Start();
        }

        // The last signal of all must be followed by a run that sees everything produced.
        Assert.True(done.Wait(Long, TestContext.Current.CancellationToken));
        Assert.Equal(1, worst);
    }

    [Fact]
    public void A_thread_is_named_and_does_not_keep_the_process_alive()
    {
        string? name = null;
        var background = false;
        using var done = new ManualResetEventSlim();
        using var worker = new ThreadExecutor(_ => { }).CreateWorker("vda queue 0", () =>
        {
            name = Thread.CurrentThread.Name;
            background = Thread.CurrentThread.IsBackground;
            done.Set();
        });
        worker.Signal();
        Assert.True(done.Wait(Long, TestContext.Current.CancellationToken));
        Assert.Equal("vda queue 0", name);
        Assert.True(background);
    }

    [Fact]
    public void Disposing_waits_for_a_running_body_and_nothing_runs_after_it()
    {
        using var entered = new ManualResetEventSlim();
        using var leave = new ManualResetEventSlim();
        var ended = false;
        var runs = 0;
        var worker = new ThreadExecutor(_ => { }).CreateWorker("slow", () =>
        {
            runs++;
            entered.Set();
            leave.Wait(Long);
            ended = true;
        });
        worker.Signal();
        Assert.True(entered.Wait(Long, TestContext.Current.CancellationToken));
        worker.Signal();
        var disposer = new Thread(worker.Dispose);
        disposer.Start();
        Assert.False(disposer.Join(50));
        leave.Set();
        Assert.True(disposer.Join(Long));
        Assert.True(ended);
        Assert.Equal(1, runs);
        worker.Signal();
        Assert.Equal(1, runs);
    }

    [Fact]
    public void A_body_may_dispose_of_its_own_worker()
    {
        IWorker? worker = null;
        using var done = new ManualResetEventSlim();
        worker = new ThreadExecutor(_ => { }).CreateWorker("own", () =>
        {
            worker!.Dispose();
            done.Set();
        });
        worker.Signal();
        Assert.True(done.Wait(Long, TestContext.Current.CancellationToken));
    }

    [Fact]
    public void What_a_body_throws_goes_to_the_machine_and_not_to_the_process()
    {
        using var done = new ManualResetEventSlim();
        Exception? fault = null;
        using var worker = new ThreadExecutor(exception =>
        {
            fault = exception;
            done.Set();
        }).CreateWorker("bad", () => throw new InvalidOperationException("ours"));
        worker.Signal();
        Assert.True(done.Wait(Long, TestContext.Current.CancellationToken));
        Assert.Equal("ours", fault?.Message);
    }
}
