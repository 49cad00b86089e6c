using Osprey.Engine.Datasets;

namespace Osprey.Engine.Evaluation;

/// <summary>Nearest class mean: a class is the mean of its support descriptors, brought back to unit length; an image takes the class of largest cosine.</summary>
public static class NearestMean
{
    /// <param name="set">Descriptors and labels.</param>
    /// <param name="support">The images whose labels are known.</param>
    /// <param name="test">The images to classify.</param>
    /// <returns>[test.Length] classes. A class without support is never predicted; of two equal cosines the lower class wins.</returns>
    public static int[] Predict(DescriptorSet set, ReadOnlySpan<int> support, ReadOnlySpan<int> test) => Predict(set, support, set.Rows(test));

    /// <param name="set">Descriptors and labels.</param>
    /// <param name="support">The images whose labels are known.</param>
    /// <param name="queries">[Q, D] descriptors to classify, of the set or from elsewhere.</param>
    /// <returns>[Q] classes, as of the other overload.</returns>
    public static int[] Predict(DescriptorSet set, ReadOnlySpan<int> support, ReadOnlySpan<float> queries)
    {
        if (support.IsEmpty) throw new ArgumentException("no support image is given, so no class has a mean");
        var means = new double[set.Classes][];
        foreach (int i in support)
        {
            double[] mean = means[set.Labels[i]] ??= new double[set.Dimension];
            ReadOnlySpan<float> row = set.Row(i);
            for (int d = 0; d < mean.Length; d++) mean[d] += row[d];
        }
        foreach (double[] mean in means)
        {
            if (mean is null) continue;
            double norm = Math.Sqrt(mean.Sum(m => m * m)) + 1e-12;
            for (int d = 0; d < mean.Length; d++) mean[d] /= norm;
        }
        var predicted = new int[queries.Length / set.Dimension];
        for (int t = 0; t < predicted.Length; t++)
        {
            ReadOnlySpan<float> row = queries.Slice(t * set.Dimension, set.Dimension);
            double best = double.NegativeInfinity;
            for (int c = 0; c < means.Length; c++)
            {
                if (means[c] is not { } mean) continue;
                double cosine = 0;
                for (int d = 0; d < mean.Length; d++) cosine += mean[d] * row[d];
                if (cosine > best) (best, predicted[t]) = (cosine, c);
            }
        }
        return predicted;
    }

    /// <summary><paramref name="perClass"/> images of each class out of <paramref name="pool"/>, drawn at random; all of a class that has fewer.</summary>
    internal static int[] DrawSupport(DescriptorSet set, IEnumerable<int> pool, int perClass, SeededRandom random) =>
        [.. pool.GroupBy(i => set.Labels[i]).OrderBy(g => g.Key).SelectMany(g => Draw([.. g], perClass, random))];

    static int[] Draw(int[] images, int count, SeededRandom random)
    {
        random.Shuffle(images.AsSpan());
        return images[..Math.Min(count, images.Length)];
    }
}
