using Osprey.Engine.Retrieval;
using Osprey.Interop.Faiss;
using Osprey.Interop.Torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Benchmarks;

/// <summary>Rows and queries that several searches share, with the indexes over them: ours, torch's and, where it is installed, FAISS's. One metric at a time.</summary>
public sealed class Gallery : IDisposable
{
    readonly Device device;
    ExactIndex? index;
    TorchSearch? torch;

    /// <param name="data">What to make.</param>
    /// <param name="config">Seed and file.</param>
    /// <param name="device">Stays the caller's.</param>
    /// <param name="faiss">Stays the caller's; null where there is none.</param>
    public Gallery(GalleryData data, BenchmarkConfig config, Device device, FaissProcess? faiss)
    {
        this.device = device;
        Faiss = faiss;
        (Rows, Queries, Dimension) = data.Make(config);
    }

    /// <summary>[Count, Dimension], unit.</summary>
    public float[] Rows { get; }

    /// <summary>[·, Dimension], unit.</summary>
    public float[] Queries { get; }

    public int Dimension { get; }

    public int Count => Rows.Length / Dimension;

    public FaissProcess? Faiss { get; }

    public ExactIndex Index => index ?? throw new InvalidOperationException("no metric is set");

    public TorchSearch Torch => torch ?? throw new InvalidOperationException("no metric is set");

    /// <summary>Makes the indexes of that metric, unless they are there.</summary>
    public void Use(Metric metric)
    {
        if (index?.Metric == metric) return;
        index?.Dispose();
        torch?.Dispose();
        index = new ExactIndex(Rows, Dimension, device, metric);
        torch = new TorchSearch(Rows, Dimension, metric == Metric.L2);
        Faiss?.Index(Rows, Dimension, metric == Metric.L2);
    }

    public void Dispose()
    {
        index?.Dispose();
        torch?.Dispose();
    }
}
