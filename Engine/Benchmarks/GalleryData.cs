using Osprey.Interop.Formats;
using Osprey.Interop.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Osprey.Engine.Benchmarks;

/// <summary>What the rows of a searched gallery are.</summary>
public enum GalleryKind
{
    /// <summary>Uniform on the unit sphere: the hardest to prune.</summary>
    Random,

    /// <summary>Around 500 centres on the unit sphere, at half a radius' distance of them; queries likewise.</summary>
    Clustered,

    /// <summary>The user's own, as unit rows; every n-th of them is taken out to be a query.</summary>
    Own,
}

/// <summary>What a gallery is made of.</summary>
/// <param name="Kind">Of its rows.</param>
/// <param name="Count">N; not read for <see cref="GalleryKind.Own"/>.</param>
/// <param name="Dimension">D; not read for <see cref="GalleryKind.Own"/>.</param>
public sealed record GalleryData(GalleryKind Kind, int Count, int Dimension)
{
    const int Clusters = 500;

    /// <summary>Queries that are made; a contest may take fewer.</summary>
    public const int Queries = 1000;

    /// <returns>Unit rows [N, D] and unit queries [Q, D].</returns>
    public (float[] Rows, float[] Queries, int Dimension) Make(BenchmarkConfig config)
    {
        if (Kind == GalleryKind.Own) return Split(config.Rows ?? throw new ArgumentException("a gallery of one's own needs the file of its rows"));
        manual_seed(config.Seed + 1);
        using DisposeScope scope = NewDisposeScope();
        if (Kind == GalleryKind.Random) return (Unit(randn(Count, Dimension)), Unit(randn(Queries, Dimension)), Dimension);
        Tensor centres = UnitTensor(randn(Clusters, Dimension));
        Tensor Around(int count) => centres.index_select(0, randint(Clusters, count, int64)) + (0.5 * UnitTensor(randn(count, Dimension)));
        return (Unit(Around(Count)), Unit(Around(Queries)), Dimension);
    }

    static Tensor UnitTensor(Tensor rows) => rows.div_(rows.norm(1, keepdim: true, p: 2).clamp_min_(1e-30));

    static float[] Unit(Tensor rows)
    {
        using Tensor unit = UnitTensor(rows);
        return TensorMemory.Read(unit).ToArray();
    }

    static (float[] Rows, float[] Queries, int Dimension) Split(string path)
    {
        NpyArray<float> array = Npy.ReadSingles(path);
        if (array.Shape.Count != 2 || array.Shape[1] < 1 || array.Shape[0] < 2)
            throw new InvalidDataException($"{path} is [{string.Join(", ", array.Shape)}]; the rows to search must be [N, D] with N of 2 or more");
        int count = (int)array.Shape[0], dimension = (int)array.Shape[1], every = Math.Max(2, (count + Queries - 1) / Queries);
        using DisposeScope scope = NewDisposeScope();
        float[] unit = Unit(TensorMemory.FromSpan(array.Values, count, dimension));
        int queries = count / every;
        float[] rows = new float[(count - queries) * dimension], asked = new float[queries * dimension];
        for (int i = 0, r = 0, q = 0; i < count; i++)
        {
            bool query = i % every == every - 1;
            unit.AsSpan(i * dimension, dimension).CopyTo(query ? asked.AsSpan(q++ * dimension) : rows.AsSpan(r++ * dimension));
        }
        return (rows, asked, dimension);
    }
}
