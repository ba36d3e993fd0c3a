namespace Eider.RiscV.Sbi;

/// <summary>What a call answers: a0 and a1, or nothing, because it does not return.</summary>
internal readonly struct SbiResult
{
    private SbiResult(SbiError error, ulong value, bool returns, bool yields)
    {
        Error = error;
        Value = value;
        Returns = returns;
        Yields = yields;
    }

    /// <summary>Goes to a0.</summary>
    public SbiError Error { get; }

    /// <summary>Goes to a1.</summary>
    public ulong Value { get; }

    /// <summary>False if the caller's registers are left alone.</summary>
    public bool Returns { get; }

    /// <summary>True if the caller gives its turn away.</summary>
    public bool Yields { get; }

    /// <summary>The call does not return to where it was made.</summary>
    public static SbiResult NoReturn => new(SbiError.Success, 0, false, true);

    /// <summary>Done, and the caller sleeps or lets others have their turn.</summary>
    public static SbiResult Yield => new(SbiError.Success, 0, true, true);

    /// <summary>Done, with a value.</summary>
    public static SbiResult Ok(ulong value = 0) => new(SbiError.Success, value, true, false);

    /// <summary>Refused.</summary>
    public static implicit operator SbiResult(SbiError error) => new(error, 0, true, false);
}
