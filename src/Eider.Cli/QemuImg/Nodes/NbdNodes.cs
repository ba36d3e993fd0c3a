using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Eider.Storage;
using Eider.Storage.Backends;
using Eider.Storage.Backends.Nbd;

namespace Eider.Cli.QemuImg.Nodes;

/// <summary>Disks of NBD servers: <c>nbd://HOST[:PORT][/EXPORT]</c>, <c>nbd+unix:///[EXPORT]?socket=PATH</c>, <c>nbd:HOST:PORT</c>, <c>nbd:unix:PATH</c>.</summary>
internal static class NbdNodes
{
    private const string ExportMark = ":exportname=";
    private const int MaxExportBytes = 4096;

    /// <summary>Takes a name apart into options.</summary>
    /// <exception cref="QemuImgException">It is none.</exception>
    public static void Parse(string name, NodeOptions options)
    {
        if (name.Contains("://", StringComparison.Ordinal))
        {
            Set(NbdAddress.TryParse(name) ?? throw new QemuImgException("No valid URL specified"), options);
            return;
        }

        const string Prefix = "nbd:";
        const string UnixPrefix = "unix:";
        if (!name.StartsWith(Prefix, StringComparison.Ordinal))
        {
            throw new QemuImgException("File name string for NBD must start with 'nbd:'");
        }

        var mark = name.IndexOf(ExportMark, StringComparison.Ordinal);
        var export = NotTooLong(mark < 0 ? "" : name[(mark + ExportMark.Length)..]);
        var place = name[Prefix.Length..(mark < 0 ? name.Length : mark)];
        Set(
            place.StartsWith(UnixPrefix, StringComparison.Ordinal)
                ? NbdAddress.OfSocket(NotEmpty(place[UnixPrefix.Length..]), export)
                : NbdAddress.TryParse($"nbd://{NotEmpty(place)}") is { } host && place.Contains(':', StringComparison.Ordinal)
                    ? NbdAddress.OfHost(host.Host, host.Port, export)
                    : throw new QemuImgException($"error parsing address '{place}'"),
            options);
    }

    /// <summary>Connects to the server that options name.</summary>
    public static async Task<Node> OpenAsync(NodeOptions options, OpenMode mode, CancellationToken cancellationToken)
    {
        var address = AddressOf(options);
        options.Drop("reconnect-delay", "open-timeout");
        var server = new Dictionary<string, object>();
        var texts = new Dictionary<string, object> { ["server"] = server };
        foreach (var (key, value) in address.SocketPath is { } path
            ? ((string, string)[])[("type", "unix"), ("path", path)]
            : [("type", "inet"), ("host", address.Host), ("port", address.Port.ToString(CultureInfo.InvariantCulture))])
        {
            server[key] = value;
        }

        if (address.Export.Length > 0)
        {
            texts["export"] = address.Export;
        }

        try
        {
            var storage = await NbdStorage.OpenAsync(address, new NbdStorageOptions { IsReadOnly = !mode.IsWritable }, cancellationToken);
            if (mode.IsWritable && storage.Geometry.IsReadOnly)
            {
                await storage.DisposeAsync();
                throw new QemuImgException("request on write denied without write permission");
            }

            return new Node(storage, NodeText.OfProtocol("nbd", address.ToString(), texts));
        }
        catch (BlockStorageException failure)
        {
            throw new QemuImgException(Words(failure, address));
        }
    }

    private static string Words(BlockStorageException failure, NbdAddress address)
    {
        if (failure.InnerException is SocketException reason)
        {
            var why = reason.SocketErrorCode switch
            {
                SocketError.ConnectionRefused => "Connection refused",
                SocketError.AddressNotAvailable => "No such file or directory",
                SocketError.AccessDenied => "Permission denied",
                _ => reason.Message,
            };
            var place = address.SocketPath ?? string.Create(CultureInfo.InvariantCulture, $"{address.Host}:{address.Port}");
            return $"Failed to connect to '{place}': {why}";
        }

        var message = QemuWords.WithoutName(failure);
        var told = $"the server refuses the export '{address.Export}': ";
        return message.StartsWith(told, StringComparison.Ordinal)
            ? $"Requested export not available\nserver reported: {message[told.Length..]}" : message;
    }

    private static NbdAddress AddressOf(NodeOptions options)
    {
        var path = options.TakeText("server.path") ?? options.TakeText("path");
        var host = options.TakeText("server.host") ?? options.TakeText("host");
        var port = options.TakeText("server.port") ?? options.TakeText("port");
        var export = NotTooLong(options.TakeText("export") ?? "");
        options.Drop("server.type");
        if (path != null && host != null)
        {
            throw new QemuImgException("path and host may not be used at the same time");
        }

        if (path != null)
        {
            return NbdAddress.OfSocket(NotEmpty(path), export);
        }

        var number = NbdAddress.DefaultPort;
        return host == null ? throw new QemuImgException("NBD server address missing")
            : port == null || (int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number is >= 1 and <= ushort.MaxValue)
                ? NbdAddress.OfHost(NotEmpty(host), number, export)
                : throw new QemuImgException($"Failed to connect to '{host}:{port}': Invalid argument");
    }

    private static void Set(NbdAddress address, NodeOptions options)
    {
        if (address.SocketPath is { } path)
        {
            options.Set("server.type", "unix");
            options.Set("server.path", path);
        }
        else
        {
            options.Set("server.type", "inet");
            options.Set("server.host", address.Host);
            options.Set("server.port", address.Port.ToString(CultureInfo.InvariantCulture));
        }

        if (address.Export.Length > 0)
        {
            options.Set("export", address.Export);
        }
    }

    private static string NotTooLong(string export) => Encoding.UTF8.GetByteCount(export) <= MaxExportBytes
        ? export : throw new QemuImgException("export name too long to send to server");

    private static string NotEmpty(string text) => text.Length > 0 ? text : throw new QemuImgException("NBD server address missing");
}
