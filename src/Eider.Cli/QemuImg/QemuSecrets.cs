using System.Text;

namespace Eider.Cli.QemuImg;

/// <summary>The secrets of a command line: <c>--object secret,id=ID,data=TEXT</c> or <c>file=PATH</c>.</summary>
internal sealed class QemuSecrets
{
    private readonly Dictionary<string, byte[]> _byId = [];

    /// <summary>Reads the objects.</summary>
    /// <exception cref="QemuImgException">An object of another kind, or one without content.</exception>
    public static QemuSecrets Parse(IEnumerable<string> objects)
    {
        var secrets = new QemuSecrets();
        foreach (var text in objects)
        {
            var members = QemuKeyValues.Parse(text, "qom-type").ToDictionary(pair => pair.Key, pair => pair.Value);
            if (members.GetValueOrDefault("qom-type") != "secret")
            {
                throw new QemuImgException($"invalid object type: {members.GetValueOrDefault("qom-type")}");
            }

            var id = members.GetValueOrDefault("id") ?? throw new QemuImgException("Parameter 'id' is missing");
            secrets._byId[id] = Content(members);
        }

        return secrets;
    }

    /// <summary>The secret of an id.</summary>
    /// <exception cref="QemuImgException">There is none.</exception>
    public ReadOnlyMemory<byte> Get(string id) =>
        _byId.TryGetValue(id, out var secret) ? secret : throw new QemuImgException($"No secret with id '{id}'");

    private static byte[] Content(Dictionary<string, string> members)
    {
        var bytes = members.TryGetValue("file", out var path)
            ? File.ReadAllBytes(path)
            : Encoding.UTF8.GetBytes(members.GetValueOrDefault("data") ?? throw new QemuImgException("Must provide 'file' or 'data' property for secret"));
        return members.GetValueOrDefault("format") == "base64" ? Convert.FromBase64String(Encoding.UTF8.GetString(bytes)) : bytes;
    }
}
