namespace Eider.Cli.Provisioning;

/// <summary>One kernel module, unpacked.</summary>
/// <param name="Name">Its name, with underscores.</param>
/// <param name="RelativePath">Below the modules' folder, without the ending of the compression: <c>kernel/fs/ext4/ext4.ko</c>.</param>
/// <param name="File">Where the unpacked file lies on the host.</param>
/// <param name="Info">What it says about itself.</param>
internal sealed record KernelModule(string Name, string RelativePath, string File, ModuleInfo Info);
