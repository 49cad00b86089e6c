using Osprey.Engine;
using Osprey.Engine.Evaluation;
using Osprey.Tests.House;

namespace Osprey.Tests.Engine.Evaluation;

/// <summary>Numbers computed by scikit-learn; oracles/make.py says how.</summary>
public sealed record Oracles
{
    public required AveragePrecisionCase[] AveragePrecision { get; init; }

    public required LogisticCase[] Logistic { get; init; }

    public required NeighboursCase[] Neighbours { get; init; }

    public required int[] NearestMean { get; init; }

    public sealed record AveragePrecisionCase(int Seed, int N, int Positives, double Value);

    public sealed record LogisticCase(int N, int Dimension, int Classes, double C, double Objective, int[] Predicted)
    {
        public override string ToString() => $"{N} rows of {Dimension}, {Classes} classes, C = {C}";
    }

    public sealed record NeighboursCase(int K, int[] Predicted)
    {
        public override string ToString() => $"k = {K}";
    }

    public static Oracles Read() =>
        Json.Read<Oracles>(Path.Combine(Shared.Repository, "Tests", "Engine", "Evaluation", "oracles", "oracles.json"));

    /// <summary>The generator of make.py.</summary>
    public static float[] Draw(int count, uint state)
    {
        var values = new float[count];
        for (int i = 0; i < count; i++)
        {
            state = 1664525 * state + 1013904223;
            values[i] = (float)(state / 4294967296.0 - 0.5);
        }
        return values;
    }

    /// <summary>Image i belongs to class i mod <paramref name="classes"/>; its descriptor is noise plus 0.6 times its class's centre, as unit row.</summary>
    public static DescriptorSet Clusters(int n, int dimension, int classes, uint seed, double pull = 0.6)
    {
        float[] values = Draw(n * dimension, seed), centres = Draw(classes * dimension, seed + 1);
        int[] labels = [.. Enumerable.Range(0, n).Select(i => i % classes)];
        for (int i = 0; i < n; i++)
        {
            Span<float> row = values.AsSpan(i * dimension, dimension);
            double norm = 0;
            for (int d = 0; d < dimension; d++)
            {
                row[d] = (float)(row[d] + pull * centres[labels[i] * dimension + d]);
                norm += (double)row[d] * row[d];
            }
            norm = Math.Sqrt(norm);
            for (int d = 0; d < dimension; d++) row[d] = (float)(row[d] / norm);
        }
        return new DescriptorSet(values, dimension, labels, classes);
    }
}
