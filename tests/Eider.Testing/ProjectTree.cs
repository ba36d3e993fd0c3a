namespace Eider.Testing;

/// <summary>The project's own files, for tests of documents.</summary>
public static class ProjectTree
{
    /// <summary>The folder that holds the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The text of a file.</summary>
    /// <param name="path">Relative to the root.</param>
    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder.FullName, "Eider.slnx")))
        {
            folder = folder.Parent ?? throw new InvalidOperationException("the tests do not lie in the project's tree");
        }

        return folder.FullName;
    }
}
