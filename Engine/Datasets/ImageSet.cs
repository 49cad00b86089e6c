namespace Osprey.Engine.Datasets;

/// <param name="Path">File, absolute.</param>
/// <param name="Label">Index into <see cref="ImageSet.Classes"/>.</param>
public sealed record LabelledImage(string Path, int Label);

/// <summary>The labelled files of one data set, in a fixed order: by class, then by path, ordinal.</summary>
public sealed class ImageSet
{
    public ImageSet(string name, string root, IReadOnlyList<string> classes, IReadOnlyList<LabelledImage> images)
    {
        Name = name;
        Root = root;
        Classes = classes;
        Images = images;
    }

    /// <summary>The name of the folder that was opened.</summary>
    public string Name { get; }

    /// <summary>The folder that holds the classes, absolute; below the opened one where that only wraps it.</summary>
    public string Root { get; }

    public IReadOnlyList<string> Classes { get; }

    public IReadOnlyList<LabelledImage> Images { get; }

    public int[] Labels() => [.. Images.Select(i => i.Label)];

    /// <summary>Images per class, in the order of <see cref="Classes"/>.</summary>
    public int[] Counts()
    {
        int[] counts = new int[Classes.Count];
        foreach (LabelledImage image in Images) counts[image.Label]++;
        return counts;
    }

    /// <summary>The file's path below <see cref="Root"/>, with forward slashes on every system.</summary>
    public string RelativePath(LabelledImage image) => RelativePath(Root, image.Path);

    /// <summary>The path of <paramref name="file"/> below <paramref name="root"/>, with forward slashes on every system. A backslash in a name stays where it is one.</summary>
    public static string RelativePath(string root, string file) => Path.GetRelativePath(root, file).Replace(Path.DirectorySeparatorChar, '/');

    /// <summary>One set of all images: classes of the same name are one class, in ordinal order, and images stand by class, then by path.</summary>
    /// <param name="sets">One or more.</param>
    public static ImageSet Join(IReadOnlyList<ImageSet> sets)
    {
        if (sets.Count == 1) return sets[0];
        string[] classes = [.. sets.SelectMany(s => s.Classes).Distinct().Order(StringComparer.Ordinal)];
        Dictionary<string, int> label = classes.Select((name, i) => (name, i)).ToDictionary(p => p.name, p => p.i, StringComparer.Ordinal);
        LabelledImage[] images = [.. sets.SelectMany(s => s.Images.Select(i => i with { Label = label[s.Classes[i.Label]] }))
            .OrderBy(i => i.Label).ThenBy(i => i.Path, StringComparer.Ordinal)];
        return new ImageSet(string.Join('+', sets.Select(s => s.Name)), CommonFolder([.. sets.Select(s => s.Root)]), classes, images);
    }

    /// <summary>The deepest folder that all lie in.</summary>
    internal static string CommonFolder(IReadOnlyList<string> folders)
    {
        string[] first = folders[0].Split(Path.DirectorySeparatorChar);
        int shared = Enumerable.Range(0, first.Length).TakeWhile(i => folders.All(f => f.Split(Path.DirectorySeparatorChar) is var parts && parts.Length > i && parts[i] == first[i])).Count();
        return shared <= 1 ? Path.DirectorySeparatorChar.ToString() : string.Join(Path.DirectorySeparatorChar, first.Take(shared));
    }

    /// <summary>The files at <paramref name="indices"/>, with the classes unchanged.</summary>
    public ImageSet Select(IReadOnlyList<int> indices) => new(Name, Root, Classes, [.. indices.Select(i => Images[i])]);
}
