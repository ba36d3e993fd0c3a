using Eider.Storage;

namespace Eider.Cli.QemuImg.Nodes;

/// <summary>An open node, of a format or of a protocol.</summary>
/// <param name="Storage">What it shows.</param>
/// <param name="Text">What it is called.</param>
internal sealed record Node(BlockStorage Storage, NodeText Text);
