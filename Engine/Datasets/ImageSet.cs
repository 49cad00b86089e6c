namespace Osprey.Engine.Datasets;

/// <param name="Path">File, absolute.</param>
/// <param name="Label">Index into <see cref="ImageSet.Classes"/>.</param>
public sealed record LabelledImage(string Path, int Label);

/// <summary>The labelled files of one data set, in a fixed order: by class, then by name, ordinal.</summary>
public sealed class ImageSet
{
    public ImageSet(string name, string root, IReadOnlyList<string> classes, IReadOnlyList<LabelledImage> images)
    {
        Name = name;
        Root = root;
        Classes = classes;
        Images = images;
    }

    /// <summary>The folder's name.</summary>
    public string Name { get; }

    /// <summary>The folder, absolute.</summary>
    public string Root { get; }

    public IReadOnlyList<string> Classes { get; }

    public IReadOnlyList<LabelledImage> Images { get; }

    public int[] Labels() => [.. Images.Select(i => i.Label)];

    /// <summary>The files at <paramref name="indices"/>, with the classes unchanged.</summary>
    public ImageSet Select(IReadOnlyList<int> indices) => new(Name, Root, Classes, [.. indices.Select(i => Images[i])]);
}
