using Eider.Machines;
using Eider.Testing.Fuzzing;

namespace Eider.Fuzz.Tests.Targets;

/// <summary>What a user gets to see when a file is wrong.</summary>
internal static class UserErrors
{
    private const int MaxMessage = 2000;

    /// <summary>Holds that it is one clear line with a place, and notes its kind.</summary>
    public static void Check(FuzzInput input, MachineConfigurationException error)
    {
        FuzzException.Unless(error.Where.Length > 0, "an error does not say where");
        FuzzException.Unless(
            error.Message.Length <= MaxMessage && !error.Message.Any(char.IsControl),
            $"an error is not one line: {error.Message[..Math.Min(error.Message.Length, MaxMessage)].ReplaceLineEndings("\\n")}");
        input.Saw(error.Kind.ToString());
    }
}
