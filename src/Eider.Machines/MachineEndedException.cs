namespace Eider.Machines;

/// <summary>A machine ended while somebody waited for its guest.</summary>
public sealed class MachineEndedException : Exception
{
    /// <summary>With a message that says why it ended and what was waited for.</summary>
    public MachineEndedException(string message)
        : base(message)
    {
    }

    /// <summary>With a message and a cause.</summary>
    public MachineEndedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>With a general message.</summary>
    public MachineEndedException()
        : base("the machine ended")
    {
    }
}
