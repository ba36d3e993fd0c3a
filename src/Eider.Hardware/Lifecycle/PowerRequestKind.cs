namespace Eider.Hardware.Lifecycle;

/// <summary>Kinds of <see cref="PowerRequest"/>.</summary>
public enum PowerRequestKind
{
    /// <summary>Off.</summary>
    Shutdown,

    /// <summary>Off and on again.</summary>
    Restart,
}
