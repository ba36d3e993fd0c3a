namespace Eider.Devices.Pci;

/// <summary>
/// The configuration space of a PC's host bridge, Intel's 82441FX (order 290549): what guests look for at device 0. Its registers for
/// memory are kept and have no effect: the board's memory is where the board says.
/// </summary>
public sealed class HostBridge440Fx : PciFunction
{
    private const int FirstOwnRegister = 0x50;

    // PAM0 to PAM6 (0x59 to 0x5F), DRAM row boundaries (0x60 to 0x67), SMRAM (0x72) and what lies between: all as written.
    private const int LastOwnRegister = 0x93;
    private const int SystemManagementRam = 0x72;

    /// <summary>As after power-on.</summary>
    public HostBridge440Fx()
        : base(new PciIdentity(0x8086, 0x1237, 0x06_0000, 2), [])
    {
        for (var offset = FirstOwnRegister; offset <= LastOwnRegister; offset++)
        {
            Config.SetWritable(offset, 1, 0xFF);
        }

        Config.Set(SystemManagementRam, 1, 0x02);
        ReserveConfig(PciConfigSpace.SizeBytes);
    }
}
