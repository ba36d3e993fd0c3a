using System.Reflection;

namespace Eider.Testing;

/// <summary>Who may see whom, checked against what the compiler really referenced.</summary>
public static class RoomRules
{
    private static readonly Dictionary<string, string[]> Allowed = new()
    {
        ["Eider.Hardware"] = [],
        ["Eider.Storage"] = [],
        ["Eider.Devices"] = ["Eider.Hardware", "Eider.Storage"],
        ["Eider.RiscV"] = ["Eider.Hardware"],
        ["Eider.Machines"] = ["Eider.Hardware", "Eider.Storage", "Eider.Devices", "Eider.RiscV"],
        ["Eider.Serving"] = ["Eider.Hardware", "Eider.Storage", "Eider.Devices"],
        ["eider"] =
            ["Eider.Hardware", "Eider.Storage", "Eider.Devices", "Eider.RiscV", "Eider.Machines", "Eider.Serving"],
    };

    /// <summary>Fails if the assembly references one of ours that its room may not see.</summary>
    public static void Check(string room)
    {
        var seen = Assembly.Load(room).GetReferencedAssemblies().Select(reference => reference.Name!)
            .Where(name => name.StartsWith("Eider", StringComparison.OrdinalIgnoreCase)).Except(Allowed[room]).ToArray();
        Xunit.Assert.True(seen.Length == 0, $"{room} sees {string.Join(", ", seen)}");
    }
}
