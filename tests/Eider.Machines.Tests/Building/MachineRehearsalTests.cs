using Eider.Machines.Building;

namespace Eider.Machines.Tests.Building;

/// <summary>The machine that is made for practice.</summary>
public sealed class MachineRehearsalTests
{
    public static TheoryData<Exception> Failures() =>
        [new NotSupportedException("no thread"), new UnauthorizedAccessException("no file"), new InvalidOperationException("anything")];

    [Theory]
    [MemberData(nameof(Failures))]
    public async Task A_rehearsal_that_fails_ends_nobody_but_itself(Exception failure)
    {
        await MachineRehearsal.RunAsync(() => throw failure);
        await MachineRehearsal.RunAsync(() => Task.FromException(failure));
    }
}
