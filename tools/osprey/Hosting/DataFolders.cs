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
        return ImageSet.Join(sets);
    }
}
