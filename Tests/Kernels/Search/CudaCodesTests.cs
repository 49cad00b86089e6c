using ILGPU;
using ILGPU.Runtime;
using NUnit.Framework;
using Osprey.Kernels.Search;
using Device = Osprey.Kernels.Device;

namespace Osprey.Tests.Kernels.Search;

/// <summary>Codes and bounds of the device's first pass, made on each of <see cref="TestDevices"/>, against double precision: what the certificate rests on.</summary>
[TestFixtureSource(typeof(TestDevices), nameof(TestDevices.Names))]
public sealed class CudaCodesTests(string deviceName)
{
    const int Dimension = 37, Depth = 64;

    Device device = null!;

    [OneTimeSetUp]
    public void Open() => device = TestDevices.Open(deviceName);

    [OneTimeTearDown]
    public void Close() => device.Dispose();

    /// <summary>Vectors that codes are good at, bad at, and of no use for.</summary>
    static float[][] Vectors()
    {
        var random = new Random(5);
        float[] Make(Func<int, float> value) => [.. Enumerable.Range(0, Dimension).Select(value)];
        float Draw(int i) => 2 * random.NextSingle() - 1;
        float[] spread = Make(Draw);
        return
        [
            spread, Make(Draw), Make(i => spread[i] + 1e-7f * i), Make(i => -spread[i]),
            Make(_ => 0), Make(_ => 0.3f), Make(i => i == 5 ? 1 : 0), Make(i => i == 5 ? 1000 : 0.499f), Make(i => MathF.Pow(10, -i / 4f)),
            Make(i => Draw(i) * 1e-20f), Make(i => Draw(i) * 8e-31f), Make(i => Draw(i) * 1e-38f), Make(i => float.Epsilon * (i % 3)),
            Make(i => Draw(i) * 1e10f), Make(i => Draw(i) * 4e17f), Make(i => i == 0 ? 4e18f : 1e-30f),
            Make(i => i % 2 == 0 ? 127 : -127), Make(i => i % 2 == 0 ? 1 + 1e-6f : 1 - 1e-6f), Make(i => (i % 255 - 127) / 127f),
        ];
    }

    static readonly float[][] irregular = [[.. Enumerable.Repeat(1e19f, Dimension)], [.. Enumerable.Repeat(1f, Dimension - 1), float.NaN], [float.NegativeInfinity, .. Enumerable.Repeat(1f, Dimension - 1)]];

    (sbyte[] Codes, RowBound[] Bounds) Rows(float[][] vectors, Similarity similarity, int lanes)
    {
        Accelerator accelerator = device.Accelerator!;
        var encode = accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<int>, ArrayView<RowBound>, int, int, Similarity, int>(CudaCodes.EncodeRows);
        using var values = accelerator.Allocate1D(vectors.SelectMany(v => v).ToArray());
        using var codes = accelerator.Allocate1D<int>(vectors.Length * Depth / 4);
        using var bounds = accelerator.Allocate1D<RowBound>(vectors.Length);
        encode(new KernelConfig(2, 64), values.View.AsContiguous(), codes.View.AsContiguous(), bounds.View.AsContiguous(), Dimension, Depth, similarity, lanes);
        return (Bytes(codes.GetAsArray1D()), bounds.GetAsArray1D());
    }

    (sbyte[] Codes, QueryBound[] Bounds, double[] Squares) Queries(float[][] vectors, Similarity similarity, int padded)
    {
        Accelerator accelerator = device.Accelerator!;
        var encode = accelerator.LoadStreamKernel<ArrayView<float>, ArrayView<int>, ArrayView<QueryBound>, ArrayView<double>, int, int, int, double>(CudaCodes.EncodeQueries);
        using var values = accelerator.Allocate1D(vectors.SelectMany(v => v).ToArray());
        using var codes = accelerator.Allocate1D<int>(padded * Depth / 4);
        using var bounds = accelerator.Allocate1D<QueryBound>(padded);
        using var squares = accelerator.Allocate1D<double>(padded);
        encode(
            new KernelConfig(3, 64), values.View.AsContiguous(), codes.View.AsContiguous(), bounds.View.AsContiguous(), squares.View.AsContiguous(),
            vectors.Length, Dimension, Depth, similarity == Similarity.InnerProduct ? ScoreChain.RelativeError(Dimension) : 0);
        return (Bytes(codes.GetAsArray1D()), bounds.GetAsArray1D(), squares.GetAsArray1D());
    }

    static sbyte[] Bytes(int[] words) => [.. words.SelectMany(w => BitConverter.GetBytes(w)).Select(b => (sbyte)b)];

    static int Dot(sbyte[] a, int i, sbyte[] b, int j) => Enumerable.Range(0, Depth).Sum(d => a[i * Depth + d] * b[j * Depth + d]);

    [Test]
    public void Every_figure_of_a_row_is_on_the_safe_side_and_no_looser_than_rounding([Values(1, 32)] int lanes)
    {
        float[][] vectors = Vectors();
        (sbyte[] codes, RowBound[] bounds) = Rows(vectors, Similarity.L2, lanes);
        for (int i = 0; i < vectors.Length; i++)
        {
            double square = vectors[i].Sum(v => (double)v * v), residual = 0;
            for (int d = 0; d < Depth; d++)
            {
                sbyte code = codes[i * Depth + d];
                Assert.That((int)code, Is.InRange(-127, 127));
                if (d >= Dimension) Assert.That(code, Is.Zero, "padding");
                double difference = (d < Dimension ? vectors[i][d] : 0) - (double)bounds[i].Scale * code;
                residual += difference * difference;
            }
            // Exactly rounded sums of a few dozen terms: double is good to 1e-14 here.
            Assert.That((double)bounds[i].Error, Is.InRange(Math.Sqrt(residual), Math.Sqrt(residual) * 1.000001 + float.Epsilon), $"error of vector {i}");
            Assert.That((double)bounds[i].Norm, Is.InRange(Math.Sqrt(square), Math.Sqrt(square) * 1.000001 + float.Epsilon), $"norm of vector {i}");
            Assert.That((double)bounds[i].Offset, Is.InRange(-0.5 * square, -0.5 * square * (1 - 2e-6) + float.Epsilon), $"offset of vector {i}");
            if (bounds[i].Scale > 0) Assert.That((double)bounds[i].Error, Is.LessThanOrEqualTo(0.501 * bounds[i].Scale * Math.Sqrt(Dimension)), $"the codes of vector {i} are the nearest");
        }
        Assert.That(bounds.Count(b => b.Scale > 0), Is.GreaterThan(vectors.Length / 2), "most have codes");
    }

    [Test]
    public void A_row_that_no_bound_holds_for_always_survives()
    {
        (sbyte[] rowCodes, RowBound[] rows) = Rows(irregular, Similarity.L2, 1);
        float[][] vectors = Vectors();
        (sbyte[] queryCodes, QueryBound[] queries, _) = Queries(vectors, Similarity.L2, vectors.Length);
        for (int q = 0; q < vectors.Length; q++)
            for (int i = 0; i < irregular.Length; i++)
                Assert.That(CodeScore.Upper(queries[q], rows[i], Dot(queryCodes, q, rowCodes, i)) < float.PositiveInfinity, Is.False, $"query {q}, row {i}");
        (queryCodes, queries, _) = Queries(irregular, Similarity.L2, irregular.Length);
        (rowCodes, rows) = Rows(vectors, Similarity.L2, 1);
        for (int q = 0; q < irregular.Length; q++)
            for (int i = 0; i < vectors.Length; i++)
                Assert.That(CodeScore.Upper(queries[q], rows[i], Dot(queryCodes, q, rowCodes, i)) < float.PositiveInfinity, Is.False, $"irregular query {q}, row {i}");
    }

    /// <summary>The certificate, pair by pair: a row whose fp32 cost is the limit, to the bit, reaches the threshold of that limit.</summary>
    [Test]
    public void A_row_within_the_limit_reaches_the_threshold([Values] Similarity similarity)
    {
        float[][] vectors = Vectors();
        (sbyte[] rowCodes, RowBound[] rows) = Rows(vectors, similarity, 1);
        (sbyte[] queryCodes, QueryBound[] queries, double[] squares) = Queries(vectors, similarity, vectors.Length);
        double rounding = ScoreChain.RelativeError(Dimension), underflow = (Dimension + 32) * (double)float.Epsilon;
        using Device host = Device.Open("host", 1);
        using var kernel = new SearchKernel(host, similarity);
        for (int q = 0; q < vectors.Length; q++)
        {
            for (int i = 0; i < vectors.Length; i++)
            {
                var score = new TopK(1, 1, similarity);
                kernel.Scan(vectors[i], 1, Dimension, 0, vectors[q], [], score);
                float limit = CandidateKey.Cost(similarity, score.Scores(0)[0]);
                float upper = CodeScore.Upper(queries[q], rows[i], Dot(queryCodes, q, rowCodes, i));
                Assert.That(upper, Is.GreaterThanOrEqualTo(CudaThresholds.Threshold(similarity, limit, squares[q], rounding, underflow)), $"query {q}, row {i}, cost {limit:R}");

                double exact = Enumerable.Range(0, Dimension).Sum(d => (double)vectors[q][d] * vectors[i][d]) - (similarity == Similarity.L2 ? 0.5 * vectors[i].Sum(v => (double)v * v) : 0);
                Assert.That((double)upper, Is.GreaterThanOrEqualTo(exact - underflow), $"query {q}, row {i}");
                double length = Math.Sqrt(vectors[q].Sum(v => (double)v * v)), norm = Math.Sqrt(vectors[i].Sum(v => (double)v * v));
                double slack = 2.02 * (queries[q].Length * (double)rows[i].Error + queries[q].Error * norm) + 1e-5 * norm * norm + 1e-5 * norm * length + 2 * underflow;
                Assert.That((double)upper, Is.LessThanOrEqualTo(exact + slack), $"query {q}, row {i}: a bound that is no use");
            }
        }
    }

    [Test]
    public void Padding_is_no_query()
    {
        (sbyte[] codes, QueryBound[] bounds, _) = Queries(Vectors()[..2], Similarity.InnerProduct, 8);
        Assert.That(bounds[2..].Select(b => b.Threshold), Is.All.EqualTo(float.PositiveInfinity));
        Assert.That(bounds[..2].Select(b => b.Threshold), Is.All.EqualTo(float.NegativeInfinity));
        Assert.That(codes[(2 * Depth)..], Is.All.Zero);
    }
}
