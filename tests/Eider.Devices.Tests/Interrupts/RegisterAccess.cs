using Eider.Hardware.Bus;

namespace Eider.Devices.Tests.Interrupts;

/// <summary>Accesses as a hart makes them, through a bus.</summary>
internal static class RegisterAccess
{
    public static ulong Read(this IDeviceIo device, ulong offset, int width)
    {
        Span<byte> data = stackalloc byte[8];
        data.Clear();
        Assert.Equal(BusStatus.Ok, device.Read(0x1000UL, offset, data[..width]).Status);
        return BitConverter.ToUInt64(data);
    }

    public static byte Read8(this IDeviceIo device, ulong offset) => (byte)device.Read(offset, 1);

    public static uint Read32(this IDeviceIo device, ulong offset) => (uint)device.Read(offset, 4);

    public static ulong Read64(this IDeviceIo device, ulong offset) => device.Read(offset, 8);

    public static void Write(this IDeviceIo device, ulong offset, ulong value, int width) =>
        Assert.Equal(BusStatus.Ok, device.Write(0x1000UL, offset, BitConverter.GetBytes(value).AsSpan(0, width)).Status);

    public static void Write8(this IDeviceIo device, ulong offset, byte value) => device.Write(offset, value, 1);

    public static void Write32(this IDeviceIo device, ulong offset, uint value) => device.Write(offset, value, 4);

    public static void Write64(this IDeviceIo device, ulong offset, ulong value) => device.Write(offset, value, 8);

    /// <summary>Every offset near a range's start and every width: answered, never thrown.</summary>
    public static void AssertAnyAccessIsAnswered(this IDeviceIo device, ulong sizeBytes, int seed)
    {
        var random = new Random(seed);
        var data = new byte[8];
        for (var i = 0; i < 20_000; i++)
        {
            var offset = (ulong)random.NextInt64((long)sizeBytes);
            offset = i % 2 == 0 ? offset % 64 : offset;
            var width = random.Next(1, 9);
            random.NextBytes(data);
            var result = i % 3 == 0
                ? device.Read(0UL, offset, data.AsSpan(0, width))
                : device.Write(0UL, offset, data.AsSpan(0, width));
            Assert.NotEqual(BusStatus.Pending, result.Status);
        }
    }
}
