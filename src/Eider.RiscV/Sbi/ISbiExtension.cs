namespace Eider.RiscV.Sbi;

/// <summary>One extension of the supervisor binary interface.</summary>
internal unsafe interface ISbiExtension
{
    /// <summary>Number of the extension, as in a7.</summary>
    ulong Id { get; }

    /// <summary>Serves a call.</summary>
    /// <param name="hart">The caller.</param>
    /// <param name="function">Function number, as in a6.</param>
    /// <param name="arguments">a0 to a5.</param>
    SbiResult Call(Hart hart, ulong function, ulong* arguments);
}
