namespace Eider.Cli.QemuImg;

/// <summary>The user asked for help; nothing is done.</summary>
internal sealed class QemuHelpException : Exception;
