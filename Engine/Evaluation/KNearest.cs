using Osprey.Kernels;
using Osprey.Kernels.Search;

namespace Osprey.Engine.Evaluation;

/// <summary>k-nearest-neighbour classification by cosine.</summary>
/// <remarks>
/// Each of the k neighbours votes for its class with its cosine similarity, or with 0 where that is negative. Of classes with equal votes
/// the one whose member is nearest wins; of equally near images the lower id is the nearer. With k = 1 that is the nearest image's class.
/// </remarks>
public static class KNearest
{
    /// <summary>The class of each query for each k, from one search.</summary>
    /// <param name="set">Descriptors and labels.</param>
    /// <param name="train">Ids of the images whose labels are known.</param>
    /// <param name="queries">[Q, D].</param>
    /// <param name="ks">Numbers of neighbours; where there are fewer training images, all of them vote.</param>
    /// <param name="device">Where the search runs.</param>
    /// <returns>One array [Q] of classes for each k, in the order of <paramref name="ks"/>.</returns>
    public static int[][] Predict(DescriptorSet set, ReadOnlySpan<int> train, ReadOnlySpan<float> queries, IReadOnlyList<int> ks, Device device)
    {
        if (train.IsEmpty) throw new ArgumentException("no training image is given, so there are no neighbours");
        // Rising, so that the search's tie rule (lower position) is the lower id.
        int[] ids = train.ToArray();
        Array.Sort(ids);
        int count = queries.Length / set.Dimension, most = Math.Min(ks.Max(), ids.Length);
        var nearest = new TopK(count, most, Similarity.InnerProduct);
        using (var search = new SearchKernel(device, Similarity.InnerProduct))
            search.Scan(set.Rows(ids), ids.Length, set.Dimension, 0, queries, [], nearest);
        var predicted = ks.Select(_ => new int[count]).ToArray();
        var labels = new int[most];
        for (int q = 0; q < count; q++)
        {
            ReadOnlySpan<long> found = nearest.Ids(q);
            for (int n = 0; n < most; n++) labels[n] = set.Labels[ids[found[n]]];
            for (int i = 0; i < ks.Count; i++)
            {
                int k = Math.Min(ks[i], most);
                predicted[i][q] = Vote(labels.AsSpan(0, k), nearest.Scores(q)[..k]);
            }
        }
        return predicted;
    }

    /// <param name="labels">Of the neighbours, nearest first; at least one.</param>
    /// <param name="similarities">Their cosines, falling.</param>
    internal static int Vote(ReadOnlySpan<int> labels, ReadOnlySpan<float> similarities)
    {
        int winner = labels[0];
        double most = -1;
        for (int i = 0; i < labels.Length; i++)
        {
            // Classes are met in the order of their nearest member, so a later one must have more, not as many.
            if (labels[..i].Contains(labels[i])) continue;
            double votes = 0;
            for (int j = i; j < labels.Length; j++)
                if (labels[j] == labels[i]) votes += Math.Max(0, similarities[j]);
            if (votes > most) (most, winner) = (votes, labels[i]);
        }
        return winner;
    }
}
