namespace Eider.Fuzz.Tests.Targets;

/// <summary>Ends devices whose workers run only when they are told to.</summary>
internal static class DeviceEnd
{
    /// <summary>Closes a device, and lets its workers go on until it is closed.</summary>
    public static void Close(IAsyncDisposable device, Action settle)
    {
        var closing = device.DisposeAsync().AsTask();
        while (!closing.IsCompleted)
        {
            settle();
            Thread.Yield();
        }
    }
}
