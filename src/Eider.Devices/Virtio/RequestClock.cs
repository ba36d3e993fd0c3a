namespace Eider.Devices.Virtio;

/// <summary>How long a request took.</summary>
internal static class RequestClock
{
    /// <summary>Nanoseconds since a timestamp of the context's clock.</summary>
    public static long NanosecondsSince(this VirtioDeviceContext context, long timestamp) =>
        (long)((Int128)(context.Clock.GetTimestamp() - timestamp) * 1_000_000_000 / context.Clock.TimestampFrequency);
}
