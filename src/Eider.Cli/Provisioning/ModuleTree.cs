using Eider.Cli.Errors;

namespace Eider.Cli.Provisioning;

/// <summary>A kernel's modules as they lie in an unpacked package; unpacks what is asked for.</summary>
internal sealed class ModuleTree
{
    private const string CompressedEnding = ".xz";

    private readonly string _directory;
    private readonly Dictionary<string, string> _paths;
    private readonly Dictionary<string, KernelModule> _loaded = [];

    /// <summary>Looks at a folder of modules.</summary>
    /// <param name="directory">The folder of one kernel version, with <c>kernel/</c> in it.</param>
    public ModuleTree(string directory)
    {
        _directory = directory;
        _paths = Directory.EnumerateFiles(directory, "*.ko*", SearchOption.AllDirectories)
            .GroupBy(NameOf).ToDictionary(files => files.Key, files => files.Order(StringComparer.Ordinal).First());
    }

    /// <summary>Modules with all that they need, in the order in which they can be inserted.</summary>
    /// <param name="roots">Names; one that the kernel has built in or does not know is left out.</param>
    /// <param name="cancellationToken">Ends it early.</param>
    public async Task<IReadOnlyList<KernelModule>> ClosureAsync(
        IEnumerable<string> roots, CancellationToken cancellationToken)
    {
        var wanted = roots.Select(ModuleInfo.Normalize).Where(_paths.ContainsKey).ToList();
        for (var open = wanted; open.Count > 0;)
        {
            await LoadAsync(open, cancellationToken);
            open = [.. open.SelectMany(Needs).Where(name => !_loaded.ContainsKey(name)).Distinct()];
        }

        var ordered = new List<KernelModule>();
        var visited = new HashSet<string>();
        foreach (var name in wanted)
        {
            Visit(name, visited, ordered);
        }

        return ordered;
    }

    /// <summary>The names of all modules below a folder such as <c>kernel/drivers/virtio</c>.</summary>
    public IEnumerable<string> Below(string relativeFolder)
    {
        var prefix = Path.Combine(_directory, relativeFolder) + "/";
        return _paths.Where(pair => pair.Value.StartsWith(prefix, StringComparison.Ordinal)).Select(pair => pair.Key);
    }

    private static string NameOf(string path) =>
        ModuleInfo.Normalize(Path.GetFileName(path).Split(".ko", 2)[0]);

    // Depth first: what a module needs stands before it. The kernel allows no circles.
    private void Visit(string name, HashSet<string> visited, List<KernelModule> ordered)
    {
        if (visited.Add(name))
        {
            foreach (var needed in Needs(name))
            {
                Visit(needed, visited, ordered);
            }

            ordered.Add(_loaded[name]);
        }
    }

    private List<string> Needs(string name)
    {
        var info = _loaded[name].Info;
        var soft = info.SoftPredecessors.Select(Resolve).OfType<string>();
        return [.. soft.Concat(info.Dependencies).Where(_paths.ContainsKey)];
    }

    // ext4 of 6.12 asks for crypto-crc32c, an alias; later kernels have it built in and ask for nothing.
    private string? Resolve(string nameOrAlias)
    {
        var plain = ModuleInfo.Normalize(nameOrAlias);
        const string Crypto = "crypto_";
        if (_paths.ContainsKey(plain))
        {
            return plain;
        }

        var algorithm = plain.StartsWith(Crypto, StringComparison.Ordinal) ? plain[Crypto.Length..] : plain;
        return _paths.ContainsKey($"{algorithm}_generic") ? $"{algorithm}_generic" : null;
    }

    private async Task LoadAsync(IReadOnlyList<string> names, CancellationToken cancellationToken)
    {
        var fresh = names.Where(name => !_loaded.ContainsKey(name)).ToList();
        var packed = fresh.Select(name => _paths[name]).Where(IsPacked).ToList();
        if (packed.Count > 0)
        {
            await HostTool.Find("xz", "xz-utils").RunAsync(["-dk", "-T1", "-f", "--", .. packed], cancellationToken);
        }

        foreach (var name in fresh)
        {
            var path = _paths[name];
            var file = IsPacked(path) ? path[..^CompressedEnding.Length] : path;
            if (!file.EndsWith(".ko", StringComparison.Ordinal))
            {
                throw new CliException(ExitCode.BadInput, $"{path}: packed in an unknown way (expected .ko or .ko.xz)");
            }

            var info = ModuleInfo.Parse(file, await File.ReadAllBytesAsync(file, cancellationToken));
            _loaded[name] = new KernelModule(name, Path.GetRelativePath(_directory, file), file, info);
        }
    }

    private static bool IsPacked(string path) => path.EndsWith(CompressedEnding, StringComparison.Ordinal);
}
