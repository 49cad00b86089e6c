using Osprey.Engine.Model;

namespace Osprey.Tool.Hosting;

/// <summary>Models named on a command line: a path, or NAME=PATH.</summary>
static class ModelNames
{
    /// <summary>Each with a name of its own: the folder's or file's, with as many folders in front as it takes to tell them apart.</summary>
    public static IReadOnlyList<(string Name, string Path)> Parse(IReadOnlyList<string> words)
    {
        (string? Given, string Path)[] models = [.. words.Select(w => w.IndexOf('=') is int at and > 0 && !Path.Exists(w) ? ((string?)w[..at], w[(at + 1)..]) : (null, w))];
        for (int depth = 1; ; depth++)
        {
            string[] names = [.. models.Select(m => m.Given ?? Short(m.Path, depth))];
            if (names.Distinct().Count() == names.Length) return [.. names.Zip(models, (name, m) => (name, m.Path))];
            if (depth > 16) throw new ArgumentException($"the models {string.Join(", ", words)} cannot be told apart; name them as NAME=PATH");
        }
    }

    static string Short(string path, int depth)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        string bare = Directory.Exists(full) ? full : Path.Combine(Path.GetDirectoryName(full)!, Path.GetFileNameWithoutExtension(full));
        return string.Join('/', bare.Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).TakeLast(depth));
    }

    /// <summary>Opens all; where one cannot be opened, those before it are closed.</summary>
    public static IReadOnlyList<(string Name, Embedder Embedder)> Open(IReadOnlyList<(string Name, string Path)> models, Session session, int? imageSize, ScaleSet? scales)
    {
        var opened = new List<(string Name, Embedder Embedder)>();
        try
        {
            foreach ((string name, string path) in models) opened.Add((name, Embedder.Open(path, session.Device, imageSize, scales)));
            return opened;
        }
        catch
        {
            Close(opened);
            throw;
        }
    }

    public static void Close(IReadOnlyList<(string Name, Embedder Embedder)> models)
    {
        foreach ((_, Embedder embedder) in models) Close(embedder);
    }

    /// <summary>Through the interface: the embedder's own method is torch's, which the tool does not bind to.</summary>
    public static void Close(IDisposable embedder) => embedder.Dispose();
}
