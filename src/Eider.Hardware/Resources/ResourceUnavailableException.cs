namespace Eider.Hardware.Resources;

/// <summary>A constraint cannot be met: nothing is left that fulfils it, or nothing ever could. Nothing is taken.</summary>
public sealed class ResourceUnavailableException : Exception
{
    /// <summary>With a message that names the constraint.</summary>
    public ResourceUnavailableException(string message)
        : base(message)
    {
    }

    /// <summary>With a message and a cause.</summary>
    public ResourceUnavailableException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>With a general message.</summary>
    public ResourceUnavailableException()
        : base("no resource available")
    {
    }
}
