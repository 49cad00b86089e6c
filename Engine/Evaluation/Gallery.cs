using Osprey.Engine.Datasets;
using Osprey.Kernels;

namespace Osprey.Engine.Evaluation;

/// <summary>Queries of one data set with what each model found for them.</summary>
/// <param name="Data">The data set's name.</param>
/// <param name="Classes">Its class names.</param>
/// <param name="Models">Names, in the order of <see cref="GalleryAnswer"/>s.</param>
/// <param name="Rows">The queries.</param>
public sealed record Gallery(string Data, IReadOnlyList<string> Classes, IReadOnlyList<string> Models, IReadOnlyList<GalleryRow> Rows)
{
    /// <summary>The descriptors on a plane, one map per model.</summary>
    public IReadOnlyList<DescriptorMap> Maps { get; init; } = [];

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
        chosen.AddRange(ClassSample.Draw(ids.Length, q => images.Images[ids[q]].Label, config.GalleryQueries, config.Seed, 6).Select(q => (GalleryReason.Sample, q)));
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
        GalleryAnswer[][] answers = [.. same.Select(m => GalleryAnswer.Find(m.Set, m.Set.Rows(queries), queries, images.Images, device))];
        return new Gallery(images.Name, images.Classes, [.. same.Select(m => m.Result.Model)],
            [.. chosen.Select((c, i) => new GalleryRow(c.Reason, images.Images[queries[i]], [.. answers.Select(a => a[i])]))])
        {
            Maps = [.. same.Select(m => DescriptorMap.Create(m.Set, config.Seed))],
        };
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
