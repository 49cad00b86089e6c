using BenchmarkDotNet.Attributes;
using Osprey.Kernels;
using Osprey.Kernels.Search;
using TorchSharp;

namespace Osprey.Bench;

/// <summary>Exact inner-product search in fp32, with torch's matmul and topk beside it: same rows, same queries, all cores, the result read back.</summary>
[MemoryDiagnoser]
public class SearchBench
{
    /// <summary>The cases, named as they are printed.</summary>
    public enum Shape
    {
        /// <summary>20,000 × 256, 200 queries: a data set's evaluation.</summary>
        Small,

        /// <summary>100,000 × 512, 1,000 queries: the figure of the field's libraries.</summary>
        Large,

        /// <summary>100,000 × 512, one query: bounded by memory.</summary>
        Single,
    }

    Device device = null!;
    SearchKernel kernel = null!;
    TopK results = null!;
    float[] rows = [], queries = [];
    torch.Tensor rowTensor = null!, queryTensor = null!;
    int count, dimension, queryCount;

    [ParamsAllValues]
    public Shape Case { get; set; }

    [Params(10, 100)]
    public int K { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        (count, dimension, queryCount) = Case switch
        {
            Shape.Small => (20_000, 256, 200),
            Shape.Large => (100_000, 512, 1_000),
            _ => (100_000, 512, 1),
        };
        var random = new Random(1);
        rows = new float[count * dimension];
        queries = new float[queryCount * dimension];
        foreach (float[] values in new[] { rows, queries })
            for (int i = 0; i < values.Length; i++) values[i] = random.NextSingle() - 0.5f;
        device = Device.Open("host");
        kernel = new SearchKernel(device, Similarity.InnerProduct);
        results = new TopK(queryCount, K, Similarity.InnerProduct);
        torch.set_num_threads(device.Threads);
        rowTensor = torch.tensor(rows, count, dimension);
        queryTensor = torch.tensor(queries, queryCount, dimension);
        double error = LargestDifference();
        if (!(error < 1e-4)) throw new InvalidOperationException($"the two answers differ by {error}");
    }

    [Benchmark]
    public float Ours()
    {
        results.Clear();
        kernel.Scan(rows, count, dimension, 0, queries, [], results);
        float sum = 0;
        for (int q = 0; q < queryCount; q++) sum += results.Scores(q)[K - 1];
        return sum;
    }

    [Benchmark(Baseline = true)]
    public float Torch()
    {
        using var scope = torch.NewDisposeScope();
        (torch.Tensor scores, _) = queryTensor.matmul(rowTensor.t()).topk(K);
        ReadOnlySpan<float> values = scores.data<float>().ToArray();
        float sum = 0;
        for (int q = 0; q < queryCount; q++) sum += values[q * K + K - 1];
        return sum;
    }

    /// <summary>Of the scores at every rank.</summary>
    double LargestDifference()
    {
        Ours();
        using var scope = torch.NewDisposeScope();
        (torch.Tensor scores, _) = queryTensor.matmul(rowTensor.t()).topk(K);
        float[] values = scores.data<float>().ToArray();
        double largest = 0;
        for (int q = 0; q < queryCount; q++)
            for (int r = 0; r < K; r++) largest = Math.Max(largest, Math.Abs(results.Scores(q)[r] - values[q * K + r]));
        return largest;
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        rowTensor.Dispose();
        queryTensor.Dispose();
        kernel.Dispose();
        device.Dispose();
    }
}
