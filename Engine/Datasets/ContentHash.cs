using System.Security.Cryptography;

namespace Osprey.Engine.Datasets;

/// <summary>Tells which files are the same, byte for byte, by SHA-256.</summary>
public static class ContentHash
{
    /// <summary>A number per image, equal for equal files: the index of the first of them. What <see cref="Split.Stratified"/> takes as groups.</summary>
    /// <remarks>Only files that share their length are read. An unreadable file is a group by itself.</remarks>
    public static int[] Groups(IReadOnlyList<LabelledImage> images, CancellationToken cancellation = default)
    {
        int[] groups = [.. Enumerable.Range(0, images.Count)];
        int[][] sameLength = [.. groups
            .Select(i => (Index: i, Length: LengthOf(images[i].Path)))
            .Where(f => f.Length >= 0)
            .GroupBy(f => f.Length, f => f.Index)
            .Where(g => g.Count() > 1)
            .Select(g => g.ToArray())];
        Parallel.ForEach(sameLength, new ParallelOptions { CancellationToken = cancellation }, indices =>
        {
            Dictionary<string, int> first = [];
            foreach (int i in indices)
            {
                try
                {
                    using FileStream file = File.OpenRead(images[i].Path);
                    string hash = Convert.ToHexString(SHA256.HashData(file));
                    groups[i] = first.TryAdd(hash, i) ? i : first[hash];
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    groups[i] = i;
                }
            }
        });
        return groups;
    }

    static long LengthOf(string path)
    {
        try
        {
            return new FileInfo(path).Length;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return -1;
        }
    }
}
