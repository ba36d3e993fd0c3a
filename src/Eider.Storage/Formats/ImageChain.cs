using System.Globalization;
using System.Runtime.Versioning;
using Eider.Storage.Backends;

namespace Eider.Storage.Formats;

/// <summary>Opens what an image names, within what the user allows.</summary>
internal static class ImageChain
{
    /// <summary>Opens the backing image.</summary>
    /// <param name="image">The file of the image that names it.</param>
    /// <param name="name">The name as the image has it.</param>
    /// <param name="format">Its format as the image has it; null if it does not say.</param>
    /// <param name="options">The options of the image that names it.</param>
    /// <param name="cancellationToken">Ends the attempt early.</param>
    /// <returns>The backing image, read-only unless a commit writes it; null if the user wants it left out.</returns>
    public static async ValueTask<BlockStorage?> OpenBackingAsync(
        BlockStorage image, string name, string? format, ImageOpenOptions options, CancellationToken cancellationToken)
    {
        if (options.Chain.Kind == ImageChainPolicyKind.Ignore)
        {
            return null;
        }

        if (options.Above.Count + 1 >= ImageOpenOptions.MaxDepth)
        {
            throw Refused(
                image, "backing",
                string.Create(CultureInfo.InvariantCulture, $"the chain is longer than {ImageOpenOptions.MaxDepth} images"), name);
        }

        if (format == null && !options.ProbesBackingFormat)
        {
            throw Refused(image, "backing", "the image does not say its format; add it with rebase -u -F FORMAT", name);
        }

        var above = new List<BlockStorage>(options.Above) { image };
        var isReadOnly = options.WritableDepth != 1;
        var file = await OpenFileAsync(image, name, "backing", isReadOnly, above, options, cancellationToken)
            .ConfigureAwait(false);
        try
        {
            var isProbed = format == null;
            var driver = format == null
                ? await ImageFormats.ProbeAsync(file, cancellationToken).ConfigureAwait(false)
                : ImageFormats.Get(format, file.Name);
            var below = options with
            {
                IsReadOnly = isReadOnly,
                WritableDepth = Math.Max(0, options.WritableDepth - 1),
                Backing = null,
                DataFile = null,
                IsForRepair = false,
                Snapshot = null,
                IsFormatProbed = isProbed,
                Above = above,
            };
            return await driver.OpenAsync(file, below, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            await file.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Opens the external data file; null if the user wants it left out.</summary>
    public static async ValueTask<BlockStorage?> OpenDataFileAsync(
        BlockStorage image, string name, ImageOpenOptions options, CancellationToken cancellationToken) =>
        options.Chain.Kind == ImageChainPolicyKind.Ignore
            ? null
            : await OpenFileAsync(image, name, "data", options.IsReadOnly, [.. options.Above, image], options, cancellationToken)
                .ConfigureAwait(false);

    private static async ValueTask<BlockStorage> OpenFileAsync(
        BlockStorage image, string name, string role, bool isReadOnly, List<BlockStorage> above, ImageOpenOptions options,
        CancellationToken cancellationToken)
    {
        var path = ImageNames.Resolve(image.Name, name);
        var policy = options.Chain;
        if (policy.Kind == ImageChainPolicyKind.Refuse)
        {
            throw Refused(image, role, "an image may open no other file unless you allow it", name);
        }

        if (path.Contains('\0', StringComparison.Ordinal))
        {
            throw Refused(image, role, "there is a NUL character in its name", name);
        }

        if (policy.Kind == ImageChainPolicyKind.WithinDirectory
            && !ImageNames.TryPlaceWithin(path, policy.Directory, out path))
        {
            throw Refused(image, role, $"it does not lie within {policy.Directory}", name);
        }

        if (options.OpenFile != null)
        {
            return await options.OpenFile(path, isReadOnly, cancellationToken).ConfigureAwait(false);
        }

        if (OperatingSystem.IsLinux())
        {
            ThrowIfLoop(image, role, path, name, above);
        }

        return OpenPlain(image, role, path, isReadOnly, name, options);
    }

    private static FileStorage OpenPlain(
        BlockStorage image, string role, string path, bool isReadOnly, string name, ImageOpenOptions options)
    {
        FileStorage file;
        try
        {
            file = FileStorage.Open(
                path,
                new FileStorageOptions { IsReadOnly = isReadOnly, IsDirect = options.IsDirect, Locking = LockingOf(options, isReadOnly) });
        }
        catch (BlockStorageException exception)
        {
            throw new BlockStorageException(
                exception.Kind, BlockOperation.Open, path, null,
                $"{image.Name}: its {role} file cannot be opened: {exception.Message}", exception);
        }

        // What was opened counts, not what stood there when the path was looked at.
        if (options.Chain.Kind == ImageChainPolicyKind.WithinDirectory && OperatingSystem.IsLinux()
            && (new FileInfo($"/proc/self/fd/{file.Handle.DangerousGetHandle()}").LinkTarget is not { } opened
                || ImageNames.FollowLinks(options.Chain.Directory) is not { } root
                || !ImageNames.IsWithin(opened, root)))
        {
            file.DisposeAsync().AsTask().GetAwaiter().GetResult();
            throw Refused(image, role, $"it does not lie within {options.Chain.Directory}", name);
        }

        return file;
    }

    private static FileLocking LockingOf(ImageOpenOptions options, bool isReadOnly) =>
        options.Locking == FileLocking.ShareWithWriter && !isReadOnly ? FileLocking.Exclusive : options.Locking;

    /// <summary>Refuses a file that is already open above, whatever it is called.</summary>
    [SupportedOSPlatform("linux")]
    private static void ThrowIfLoop(BlockStorage image, string role, string path, string name, List<BlockStorage> above)
    {
        FileIdentity identity;
        try
        {
            using var handle = LinuxFiles.Open(path, isReadOnly: true, isDirect: false, createNew: false);
            identity = LinuxFiles.StatusOf(handle, path).Identity;
        }
        catch (BlockStorageException exception)
        {
            throw new BlockStorageException(
                exception.Kind, BlockOperation.Open, path, null,
                $"{image.Name}: its {role} file cannot be opened: {exception.Message}", exception);
        }

        if (above.Exists(file => file is FileStorage plain && plain.Identity == identity))
        {
            throw Refused(image, role, "the chain comes back to a file that is in it already", name);
        }
    }

    private static BlockStorageException Refused(BlockStorage image, string role, string why, string name) => new(
        BlockErrorKind.AccessDenied, BlockOperation.Open, image.Name, null,
        $"{image.Name}: its {role} file '{ImageErrors.Printable(name)}' is not opened: {why}");
}
