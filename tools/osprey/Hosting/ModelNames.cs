using Osprey.Engine.Evaluation;
using Osprey.Engine.Model;

namespace Osprey.Tool.Hosting;

/// <summary>A model of the command line.</summary>
/// <param name="Name">Its own.</param>
/// <param name="Path">Run folder or weights.</param>
/// <param name="Group">Of the runs it is one of; its own name where it stands alone.</param>
sealed record NamedModel(string Name, string Path, string Group);

/// <summary>Models named on a command line: a path, NAME=PATH, or NAME=PATH,PATH,… for several runs of one recipe.</summary>
static class ModelNames
{
    /// <summary>Each with a name of its own: the folder's or file's, with as many folders in front as it takes to tell them apart.</summary>
    public static IReadOnlyList<NamedModel> Parse(IReadOnlyList<string> words)
    {
        (string? Given, string Path)[] models = [.. words.Select(w => w.IndexOf('=') is int at and > 0 && !Path.Exists(w) ? ((string?)w[..at], w[(at + 1)..]) : (null, w))];
        for (int depth = 1; ; depth++)
        {
            NamedModel[] named = [.. models.SelectMany(m => Runs(m.Given, m.Path, depth))];
            if (named.DistinctBy(m => m.Name).Count() == named.Length && models.Length == named.DistinctBy(m => m.Group).Count()) return named;
            if (depth > 16) throw new ArgumentException($"the models {string.Join(", ", words)} cannot be told apart; name them as NAME=PATH");
        }
    }

    /// <summary>The groups, in order; null where no model is one of several runs.</summary>
    public static IReadOnlyList<ModelGroup>? Groups(IReadOnlyList<NamedModel> models)
    {
        ModelGroup[] groups = [.. models.GroupBy(m => m.Group).Select(g => new ModelGroup(g.Key, [.. g.Select(m => m.Name)]))];
        return groups.Length < models.Count ? groups : null;
    }

    static IEnumerable<NamedModel> Runs(string? given, string path, int depth)
    {
        string name = given ?? Short(path, depth);
        string[] runs = given is null || Path.Exists(path) ? [path] : path.Split(',', StringSplitOptions.RemoveEmptyEntries);
        return runs.Length > 1 ? runs.Select((run, i) => new NamedModel($"{name}-{i + 1}", run, name)) : [new NamedModel(name, path, name)];
    }

    static string Short(string path, int depth)
    {
        string full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        string bare = Directory.Exists(full) ? full : Path.Combine(Path.GetDirectoryName(full)!, Path.GetFileNameWithoutExtension(full));
        return string.Join('/', bare.Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries).TakeLast(depth));
    }

    /// <summary>Opens all, for inference; where one cannot be opened, those before it are closed.</summary>
    public static IReadOnlyList<(string Name, Embedder Embedder)> Open(IReadOnlyList<NamedModel> models, Session session, Func<EmbedderConfig, EmbedderConfig> change)
    {
        var opened = new List<(string Name, Embedder Embedder)>();
        try
        {
            foreach (NamedModel model in models)
            {
                Embedder embedder = Embedder.Open(model.Path, session.Device, change);
                opened.Add((model.Name, embedder));
                embedder.Fold();
            }
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
