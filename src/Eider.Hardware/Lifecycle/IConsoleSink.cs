namespace Eider.Hardware.Lifecycle;

/// <summary>The console behind the SBI debug console: bytes out, bytes in, nothing blocks.</summary>
public interface IConsoleSink
{
    /// <summary>Takes bytes from the guest.</summary>
    /// <returns>How many were taken; fewer than given when the host does not keep up.</returns>
    int Write(ReadOnlySpan<byte> bytes);

    /// <summary>Gives bytes to the guest.</summary>
    /// <returns>How many were there; 0 if none.</returns>
    int Read(Span<byte> bytes);
}
