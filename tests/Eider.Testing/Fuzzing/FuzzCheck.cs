using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace Eider.Testing.Fuzzing;

/// <summary>Runs one case and holds it against the promises that all targets share: nothing escapes, allocation is bounded.</summary>
public static partial class FuzzCheck
{
    /// <summary>Runs the case that an input has begun.</summary>
    /// <param name="target">The target.</param>
    /// <param name="input">The choices.</param>
    /// <param name="completed">What the target says of it.</param>
    /// <param name="allocatedBytes">What it allocated on this thread.</param>
    /// <returns>The broken promise; null if all held.</returns>
    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "whatever escapes is the finding")]
    public static string? Run(FuzzTarget target, FuzzInput input, out bool completed, out long allocatedBytes)
    {
        ArgumentNullException.ThrowIfNull(target);
        var before = GC.GetAllocatedBytesForCurrentThread();
        completed = false;
        allocatedBytes = 0;
        try
        {
            completed = target.Run(input);
        }
        catch (Exception exception)
        {
            return exception.ToString();
        }

        allocatedBytes = GC.GetAllocatedBytesForCurrentThread() - before;
        return allocatedBytes <= target.MaxAllocatedBytes
            ? null
            : FormattableString.Invariant($"allocates {allocatedBytes} bytes, at most {target.MaxAllocatedBytes} are allowed");
    }

    /// <summary>What makes two failures the same: the first line without its numbers.</summary>
    internal static string KindOf(string failure) => Number().Replace(failure.Split('\n')[0], "N");

    [GeneratedRegex("(0x)?[0-9a-f]*[0-9][0-9a-f]*")]
    private static partial Regex Number();
}
