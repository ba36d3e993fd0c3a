using Eider.Hardware.Lifecycle;
using Eider.Hardware.Memory;

namespace Eider.RiscV.Sbi;

/// <summary>SBI specification, "Debug Console Extension".</summary>
internal sealed unsafe class DebugConsoleExtension(IConsoleSink console, GuestRam ram) : ISbiExtension
{
    // A call moves at most so much; the guest calls again for the rest.
    private const int MostBytes = 256;

    /// <inheritdoc/>
    public ulong Id => 0x4442434E;

    /// <inheritdoc/>
    public SbiResult Call(Hart hart, ulong function, ulong* arguments) => function switch
    {
        0 => Write(arguments[0], arguments[1], arguments[2]),
        1 => Read(arguments[0], arguments[1], arguments[2]),
        2 => WriteByte((byte)arguments[0]),
        _ => SbiError.NotSupported,
    };

    private SbiResult Write(ulong lengthBytes, ulong low, ulong high)
    {
        if (high != 0 || !ram.Contains(low, lengthBytes))
        {
            return SbiError.InvalidParameter;
        }

        Span<byte> buffer = stackalloc byte[MostBytes];
        buffer = buffer[..(int)Math.Min(lengthBytes, MostBytes)];
        _ = ram.TryRead(low, buffer);
        return SbiResult.Ok((ulong)console.Write(buffer));
    }

    private SbiResult Read(ulong lengthBytes, ulong low, ulong high)
    {
        if (high != 0 || !ram.Contains(low, lengthBytes))
        {
            return SbiError.InvalidParameter;
        }

        Span<byte> buffer = stackalloc byte[MostBytes];
        var count = console.Read(buffer[..(int)Math.Min(lengthBytes, MostBytes)]);
        _ = ram.TryWrite(low, buffer[..count]);
        return SbiResult.Ok((ulong)count);
    }

    // The specification lets it block; it answers "failed" instead when the host does not keep up.
    private SbiResult WriteByte(byte value) =>
        console.Write(new ReadOnlySpan<byte>(in value)) == 1 ? SbiResult.Ok() : SbiError.Failed;
}
