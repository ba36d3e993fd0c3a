using System.ComponentModel;

namespace Eider.Machines;

/// <summary>A further port of a virtio console, over files of the host.</summary>
public sealed record ConsolePortConfiguration
{
    /// <summary>Its name in the guest: <c>/dev/virtio-ports/NAME</c>.</summary>
    [Description("Name in the guest: /dev/virtio-ports/NAME.")]
    public string? Name { get; set; }

    /// <summary>File that the guest reads; null for nothing.</summary>
    [Description("File that the guest reads, relative to the machine file.")]
    public string? Input { get; set; }

    /// <summary>File that takes what the guest writes, made or emptied; null throws it away.</summary>
    [Description("File that takes what the guest writes, relative to the machine file; made or emptied.")]
    public string? Output { get; set; }
}
