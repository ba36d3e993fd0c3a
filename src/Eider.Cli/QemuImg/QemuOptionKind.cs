namespace Eider.Cli.QemuImg;

/// <summary>How the value of an option is written.</summary>
internal enum QemuOptionKind
{
    /// <summary>As it is.</summary>
    Text,

    /// <summary><c>on</c> or <c>off</c>.</summary>
    Switch,

    /// <summary>A number.</summary>
    Number,

    /// <summary>A number of bytes, perhaps with a unit.</summary>
    Size,
}
