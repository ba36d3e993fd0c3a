namespace Eider.Testing.Virtio;

/// <summary>What a driver says about the notifications it wants.</summary>
public enum DriverMode
{
    /// <summary>One for every used buffer.</summary>
    Always,

    /// <summary>None.</summary>
    Never,

    /// <summary>One when the next buffer is used (EVENT_IDX).</summary>
    AtNextUsed,
}
