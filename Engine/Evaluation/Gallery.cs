using Osprey.Engine.Datasets;
using Osprey.Kernels;
using Osprey.Kernels.Search;

namespace Osprey.Engine.Evaluation;

/// <summary>Queries of one data set with what each model found for them.</summary>
/// <param name="Data">The data set's name.</param>
/// <param name="Classes">Its class names.</param>
/// <param name="Models">Names, in the order of <see cref="GalleryAnswer"/>s.</param>
/// <param name="Rows">The queries.</param>
public sealed record Gallery(string Data, IReadOnlyList<string> Classes, IReadOnlyList<string> Models, IReadOnlyList<GalleryRow> Rows)
{
    /// <summary>Neighbours shown per query.</summary>
    public const int Neighbours = 8;

    /// <summary>Queries shown at each end of a model's range.</summary>
    const int Extremes = 3;

    /// <summary>
    /// A seeded sample over the classes, then the best and the worst queries of the last model, then, of several models, those that the
    /// last ranks better and worse than the first by most.
    /// </summary>
    internal static Gallery Create(IReadOnlyList<(ModelResult Result, DescriptorSet Set)> models, EvalConfig config, Device device)
    {
        ImageSet images = models[^1].Result.Set;
        RetrievalReport first = models[0].Result.Retrieval, last = models[^1].Result.Retrieval;
        int[] ids = last.QueryIds;
        int[] byPrecision = [.. Enumerable.Range(0, ids.Length).OrderByDescending(q => last.AveragePrecisions[q]).ThenBy(q => q)];
        // Never more than a quarter at either end, so that a tiny set does not show its best as its worst.
        int extremes = Math.Min(Extremes, ids.Length / 4);
        var chosen = new List<(GalleryReason Reason, int Query)>();
        chosen.AddRange(Sample(last, images, config).Select(q => (GalleryReason.Sample, q)));
        chosen.AddRange(byPrecision.Take(extremes).Select(q => (GalleryReason.Best, q)));
        chosen.AddRange(byPrecision.Reverse().Take(extremes).Select(q => (GalleryReason.Worst, q)));
        // A file may have become unreadable between two models: then their ids are not the same images.
        (ModelResult Result, DescriptorSet Set)[] same = [.. models.Where(m => m.Result.Retrieval.QueryIds.AsSpan().SequenceEqual(ids) && m.Set.Count == images.Images.Count)];
        if (same.Length > 1 && first.QueryIds.AsSpan().SequenceEqual(ids))
        {
            double Gain(int q) => last.AveragePrecisions[q] - first.AveragePrecisions[q];
            int[] byGain = [.. Enumerable.Range(0, ids.Length).OrderByDescending(Gain).ThenBy(q => q)];
            chosen.AddRange(byGain.Take(extremes).Where(q => Gain(q) > 0).Select(q => (GalleryReason.Gained, q)));
            chosen.AddRange(byGain.Reverse().Take(extremes).Where(q => Gain(q) < 0).Select(q => (GalleryReason.Lost, q)));
        }
        int[] queries = [.. chosen.Select(c => ids[c.Query])];
        GalleryAnswer[][] answers = [.. same.Select(m => Answer(m.Set, m.Result.Retrieval, images, queries, device))];
        return new Gallery(images.Name, images.Classes, [.. same.Select(m => m.Result.Model)],
            [.. chosen.Select((c, i) => new GalleryRow(c.Reason, images.Images[queries[i]], [.. answers.Select(a => a[i])]))]);
    }

    /// <summary>One query of each class in turn, the classes and the queries shuffled.</summary>
    static IEnumerable<int> Sample(RetrievalReport report, ImageSet images, EvalConfig config)
    {
        int[] order = [.. Enumerable.Range(0, report.QueryIds.Length)];
        new SeededRandom(config.Seed, 6).Shuffle(order.AsSpan());
        return order.GroupBy(q => images.Images[report.QueryIds[q]].Label)
            .SelectMany(g => g.Select((q, turn) => (q, turn)))
            .OrderBy(p => p.turn).Select(p => p.q).Take(config.GalleryQueries);
    }

    static GalleryAnswer[] Answer(DescriptorSet set, RetrievalReport report, ImageSet images, int[] queries, Device device)
    {
        int shown = Math.Min(Neighbours, set.Count - 1);
        var nearest = new TopK(queries.Length, shown, Similarity.InnerProduct);
        using (var search = new SearchKernel(device, Similarity.InnerProduct))
            search.Scan(set.Values, set.Count, set.Dimension, 0, set.Rows(queries), [.. queries.Select(q => (long)q)], nearest);
        return [.. queries.Select((id, q) =>
        {
            LabelledImage[] found = [.. nearest.Ids(q).ToArray().Select(n => images.Images[(int)n])];
            double precision = report.AveragePrecisions[Array.BinarySearch(report.QueryIds, id)];
            return new GalleryAnswer(precision, [.. found.Zip(nearest.Scores(q).ToArray(), (image, score) => new GalleryNeighbour(image, score, image.Label == images.Images[id].Label))]);
        })];
    }
}

/// <summary>Why a query is shown.</summary>
public enum GalleryReason
{
    /// <summary>Drawn at random.</summary>
    Sample,

    /// <summary>Among the last model's highest AP.</summary>
    Best,

    /// <summary>Among its lowest.</summary>
    Worst,

    /// <summary>Among the largest rises of AP from the first model to the last.</summary>
    Gained,

    /// <summary>Among the largest falls.</summary>
    Lost,
}

/// <param name="Reason">Why it is shown.</param>
/// <param name="Query">The image asked with.</param>
/// <param name="Answers">One per model.</param>
public sealed record GalleryRow(GalleryReason Reason, LabelledImage Query, IReadOnlyList<GalleryAnswer> Answers);

/// <param name="AveragePrecision">Of the whole ranking.</param>
/// <param name="Neighbours">Its head, nearest first.</param>
public sealed record GalleryAnswer(double AveragePrecision, IReadOnlyList<GalleryNeighbour> Neighbours);

/// <param name="Image">What was found.</param>
/// <param name="Score">Cosine.</param>
/// <param name="Right">Whether it shares the query's class.</param>
public sealed record GalleryNeighbour(LabelledImage Image, float Score, bool Right);
