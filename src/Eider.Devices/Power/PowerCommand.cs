namespace Eider.Devices.Power;

/// <summary>Values of <see cref="PowerRegister.Finisher"/> (SiFive "sifive,test1").</summary>
public enum PowerCommand : ushort
{
    /// <summary>FINISHER_FAIL: off, with the exit code of the high half.</summary>
    Fail = 0x3333,

    /// <summary>FINISHER_PASS: off, all went well.</summary>
    Pass = 0x5555,

    /// <summary>FINISHER_RESET: off and on again.</summary>
    Reset = 0x7777,
}
