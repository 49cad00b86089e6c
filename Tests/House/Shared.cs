using NUnit.Framework;

namespace Osprey.Tests.House;

/// <summary>The real images and weights that may lie beside a checkout, in <c>../shared</c>. A stranger's clone has none: such tests skip, and say so.</summary>
public static class Shared
{
    /// <summary>The checkout's root: the folder that holds Engine.sln.</summary>
    public static string Repository
    {
        get
        {
            string? dir = TestContext.CurrentContext.TestDirectory;
            while (dir is not null && !File.Exists(Path.Combine(dir, "Engine.sln"))) dir = Path.GetDirectoryName(dir);
            return dir ?? throw new DirectoryNotFoundException("Engine.sln is in no folder above the tests");
        }
    }

    public static string Data(string set) => Required("data", set);

    public static string Weights(string file) => Required("weights", file);

    static string Required(string kind, string name)
    {
        string path = Path.GetFullPath(Path.Combine(Repository, "..", "shared", kind, name));
        if (!Path.Exists(path)) Assert.Ignore($"skipped: there is no {Path.Combine("..", "shared", kind, name)} beside this checkout");
        return path;
    }
}
