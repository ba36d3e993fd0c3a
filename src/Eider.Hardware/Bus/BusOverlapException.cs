namespace Eider.Hardware.Bus;

/// <summary>A range was to be registered that another device, or the same list, holds already; or it is no range.</summary>
public sealed class BusOverlapException : Exception
{
    /// <summary>With a message that names both ranges.</summary>
    public BusOverlapException(string message)
        : base(message)
    {
    }

    /// <summary>With a message and a cause.</summary>
    public BusOverlapException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>With a general message.</summary>
    public BusOverlapException()
        : base("device address conflicts with existing devices")
    {
    }
}
