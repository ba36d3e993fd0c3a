namespace Eider.Testing.Fuzzing;

/// <summary>A promise that a case broke.</summary>
public sealed class FuzzException : Exception
{
    /// <summary>Says nothing.</summary>
    public FuzzException()
    {
    }

    /// <summary>Says which promise.</summary>
    public FuzzException(string message)
        : base(message)
    {
    }

    /// <summary>Says which promise, and what broke it.</summary>
    public FuzzException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Throws unless a condition holds.</summary>
    public static void Unless(bool condition, string promise)
    {
        if (!condition)
        {
            throw new FuzzException(promise);
        }
    }
}
