namespace Eider.Hardware.Bus;

/// <summary>A range was to be unregistered that is not registered, or that another device registered.</summary>
public sealed class BusOwnershipException : Exception
{
    /// <summary>With a message that names the range.</summary>
    public BusOwnershipException(string message)
        : base(message)
    {
    }

    /// <summary>With a message and a cause.</summary>
    public BusOwnershipException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>With a general message.</summary>
    public BusOwnershipException()
        : base("the device did not register this range")
    {
    }
}
