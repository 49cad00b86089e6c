using Osprey.Engine.Datasets;

namespace Osprey.Tool.Hosting;

/// <summary>The data sets named on a command line.</summary>
static class DataFolders
{
    /// <summary>One set of all folders' images: classes of the same name are one class, in ordinal order.</summary>
    /// <exception cref="ArgumentException">A split with several folders.</exception>
    public static ImageSet OpenJoined(IReadOnlyList<string> folders, string? split)
    {
        ImageSet[] sets = [.. folders.Select(f => ImageFolder.Open(f))];
        if (split is not null)
        {
            if (sets.Length > 1) throw new ArgumentException($"--split names the images of one data set, and {sets.Length} are given");
            return sets[0].Select(Split.Open(split, sets[0]).Train);
        }
        if (sets.Length == 1) return sets[0];

        string[] classes = [.. sets.SelectMany(s => s.Classes).Distinct().Order(StringComparer.Ordinal)];
        Dictionary<string, int> label = classes.Select((name, i) => (name, i)).ToDictionary(p => p.name, p => p.i, StringComparer.Ordinal);
        LabelledImage[] images = [.. sets.SelectMany(s => s.Images.Select(i => i with { Label = label[s.Classes[i.Label]] }))
            .OrderBy(i => i.Label).ThenBy(i => i.Path, StringComparer.Ordinal)];
        return new ImageSet(string.Join('+', sets.Select(s => s.Name)), Common([.. sets.Select(s => s.Root)]), classes, images);
    }

    /// <summary>The deepest folder that all lie in.</summary>
    static string Common(IReadOnlyList<string> folders)
    {
        string[] first = folders[0].Split(Path.DirectorySeparatorChar);
        int shared = Enumerable.Range(0, first.Length).TakeWhile(i => folders.All(f => f.Split(Path.DirectorySeparatorChar) is var parts && parts.Length > i && parts[i] == first[i])).Count();
        return shared <= 1 ? Path.DirectorySeparatorChar.ToString() : string.Join(Path.DirectorySeparatorChar, first.Take(shared));
    }
}
