using System.Net;

namespace Eider.Storage.Backends.Http;

/// <summary>Where a server may send us: to http and https, never from https to http, not from outside to this host.</summary>
internal static class HttpRedirects
{
    public static bool IsRedirect(HttpStatusCode status) =>
        status is HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther
            or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect;

    /// <summary>Why a step is refused; null if it may be taken.</summary>
    public static string? Refusal(Uri from, Uri target)
    {
        if (target.Scheme != Uri.UriSchemeHttp && target.Scheme != Uri.UriSchemeHttps)
        {
            return $"redirected to {target.Scheme}:, which is neither http nor https";
        }

        if (from.Scheme == Uri.UriSchemeHttps && target.Scheme == Uri.UriSchemeHttp)
        {
            return "redirected from https to http, which is not safe";
        }

        return IsLocal(target) && !IsLocal(from)
            ? $"redirected from {from.Host} to {target.Host}, an address of this host or link"
            : null;
    }

    public static bool IsSameOrigin(Uri one, Uri other) =>
        one.Scheme == other.Scheme && one.Port == other.Port
        && string.Equals(one.IdnHost, other.IdnHost, StringComparison.OrdinalIgnoreCase);

    private static bool IsLocal(Uri uri)
    {
        if (uri.IsLoopback)
        {
            return true;
        }

        if (!IPAddress.TryParse(uri.IdnHost, out var address))
        {
            return false;
        }

        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        var bytes = address.GetAddressBytes();
        return IPAddress.IsLoopback(address) || address.IsIPv6LinkLocal || bytes is [169, 254, _, _] or [0, _, _, _];
    }
}
