using Osprey.Interop.Faiss;
using Osprey.Interop.Torch;
using Osprey.Kernels.Search;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Benchmarks;

/// <summary>Rows and queries that several searches share, with the indexes over them: ours, torch's and, where it is installed, FAISS's. One similarity at a time.</summary>
public sealed class Gallery : IDisposable
{
    readonly Device device;
    CertifiedSearch? index;
    Similarity similarity;
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

    public CertifiedSearch Index => index ?? throw new InvalidOperationException("nothing is indexed");

    public TorchSearch Torch => torch ?? throw new InvalidOperationException("nothing is indexed");

    /// <summary>Makes the indexes of that similarity, unless they are there.</summary>
    public void Use(Similarity wanted)
    {
        if (index is not null && similarity == wanted) return;
        index?.Dispose();
        torch?.Dispose();
        similarity = wanted;
        index = CreateIndex(wanted);
        torch = new TorchSearch(Rows, Dimension, wanted == Similarity.L2);
        Faiss?.Index(Rows, Dimension, wanted == Similarity.L2);
    }

    /// <summary>An index of ours over the rows; the caller's.</summary>
    public CertifiedSearch CreateIndex(Similarity wanted) => new(device, wanted, [Rows], Dimension);

    public void Dispose()
    {
        index?.Dispose();
        torch?.Dispose();
    }
}
