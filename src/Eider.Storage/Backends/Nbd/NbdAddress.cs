using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Eider.Storage.Backends.Nbd;

/// <summary>Where an NBD server is, and which of its disks is meant.</summary>
public sealed record NbdAddress
{
    /// <summary>The port that belongs to the protocol.</summary>
    public const int DefaultPort = 10809;

    private NbdAddress(string export) => Export = export;

    /// <summary>The path of a Unix socket; null for TCP.</summary>
    public string? SocketPath { get; private init; }

    /// <summary>The host; empty for a Unix socket.</summary>
    public string Host { get; private init; } = "";

    /// <summary>The TCP port; 0 for a Unix socket.</summary>
    public int Port { get; private init; }

    /// <summary>The name of the disk; empty for the server's default.</summary>
    public string Export { get; }

    /// <summary>A server on this machine, by its Unix socket.</summary>
    /// <param name="path">The path of the socket.</param>
    /// <param name="export">The name of the disk; empty for the server's default.</param>
    /// <exception cref="ArgumentOutOfRangeException">The name is longer than 4,096 bytes.</exception>
    public static NbdAddress OfSocket(string path, string export = "")
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return new NbdAddress(Checked(export)) { SocketPath = path };
    }

    /// <summary>A server on a host.</summary>
    /// <param name="host">Its name or its address.</param>
    /// <param name="port">Its TCP port, 1 to 65535.</param>
    /// <param name="export">The name of the disk; empty for the server's default.</param>
    /// <exception cref="ArgumentOutOfRangeException">The port is out of range, or the name is longer than 4,096 bytes.</exception>
    public static NbdAddress OfHost(string host, int port = DefaultPort, string export = "")
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        ArgumentOutOfRangeException.ThrowIfLessThan(port, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, ushort.MaxValue);
        return new NbdAddress(Checked(export)) { Host = host, Port = port };
    }

    /// <summary>Reads <c>nbd://HOST[:PORT][/EXPORT]</c> or <c>nbd+unix:///[EXPORT]?socket=PATH</c>.</summary>
    /// <param name="text">The address.</param>
    /// <returns>Null if it is none.</returns>
    public static NbdAddress? TryParse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var scheme = text.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0)
        {
            return null;
        }

        var rest = text[(scheme + 3)..];
        var question = rest.IndexOf('?', StringComparison.Ordinal);
        var query = question < 0 ? "" : rest[(question + 1)..];
        rest = question < 0 ? rest : rest[..question];
        var slash = rest.IndexOf('/', StringComparison.Ordinal);
        var authority = slash < 0 ? rest : rest[..slash];
        var export = slash < 0 ? "" : Uri.UnescapeDataString(rest[(slash + 1)..]);
        if (System.Text.Encoding.UTF8.GetByteCount(export) > NbdProtocol.MaxNameBytes)
        {
            return null;
        }

        const string Socket = "socket=";
        return text[..scheme] switch
        {
            "nbd" or "nbd+tcp" when query.Length == 0 => OfAuthority(authority, export),
            "nbd+unix" when authority.Length == 0 && query.StartsWith(Socket, StringComparison.Ordinal) && query.Length > Socket.Length
                && !query.Contains('&', StringComparison.Ordinal) => OfSocket(Uri.UnescapeDataString(query[Socket.Length..]), export),
            _ => null,
        };
    }

    /// <summary>The address, as <see cref="TryParse"/> reads it.</summary>
    public override string ToString() => SocketPath != null
        ? Export.Length == 0 ? $"nbd+unix://?socket={SocketPath}" : $"nbd+unix:///{Export}?socket={SocketPath}"
        : string.Create(CultureInfo.InvariantCulture, $"nbd://{Host}:{Port}{(Export.Length == 0 ? "" : "/" + Export)}");

    /// <summary>Connects.</summary>
    internal async ValueTask<Socket> ConnectAsync(CancellationToken cancellationToken)
    {
        var isUnix = SocketPath != null;
        var socket = isUnix
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            EndPoint place = isUnix ? new UnixDomainSocketEndPoint(SocketPath!) : new DnsEndPoint(Host, Port);
            await socket.ConnectAsync(place, cancellationToken).ConfigureAwait(false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static NbdAddress? OfAuthority(string authority, string export)
    {
        var colon = authority.LastIndexOf(':');
        var hasPort = colon >= 0 && !authority.EndsWith(']');
        var host = (hasPort ? authority[..colon] : authority).Trim('[', ']');
        var port = DefaultPort;
        return host.Length > 0
            && (!hasPort || (int.TryParse(authority[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out port)
                && port is >= 1 and <= ushort.MaxValue))
            ? OfHost(host, port, export) : null;
    }

    private static string Checked(string export)
    {
        ArgumentNullException.ThrowIfNull(export);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            System.Text.Encoding.UTF8.GetByteCount(export), NbdProtocol.MaxNameBytes, nameof(export));
        return export;
    }
}
