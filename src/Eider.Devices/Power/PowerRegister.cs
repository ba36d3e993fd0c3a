namespace Eider.Devices.Power;

/// <summary>The one register of the test finisher (SiFive "sifive,test0"), by offset.</summary>
public enum PowerRegister : uint
{
    /// <summary>FINISHER: a <see cref="PowerCommand"/> in the low half, an exit code in the high half.</summary>
    Finisher = 0,
}
