using Osprey.Interop.Faiss;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Benchmarks;

/// <summary>What contests share: the device, the peers' processes and the gallery in use. Owns all but the device.</summary>
public sealed class Stage : IDisposable
{
    readonly BenchmarkConfig config;
    (GalleryData Data, Gallery Gallery)? open;
    FaissProcess? faiss;
    string? noFaiss;
    readonly CancellationTokenRegistration interruption;

    /// <param name="config">Size, seed and file.</param>
    /// <param name="device">Stays the caller's.</param>
    /// <param name="cancellation">Ends a peer's process in the middle of its call.</param>
    public Stage(BenchmarkConfig config, Device device, CancellationToken cancellation = default)
    {
        this.config = config;
        Device = device;
        interruption = cancellation.Register(() => faiss?.Kill());
    }

    public Device Device { get; }

    /// <summary>The user's own, a folder.</summary>
    public string? Images => config.Images;

    /// <summary>Why there is no FAISS; empty where there is, or where it was not asked for yet.</summary>
    public string NoFaiss => noFaiss ?? "";

    /// <summary>With the library that multiplies for it; empty where there is none, or where it was not asked for yet.</summary>
    public string FaissVersion => faiss is null ? "" : $"{faiss.Version} with {faiss.Blas}";

    /// <summary>The gallery of that data; the last one goes when another is asked for, so that there is memory for one only.</summary>
    public Gallery Gallery(GalleryData data)
    {
        if (open is { } last && last.Data == data) return last.Gallery;
        open?.Gallery.Dispose();
        open = null;
        if (noFaiss is null) StartFaiss();
        var gallery = new Gallery(data, config, Device, faiss);
        open = (data, gallery);
        return gallery;
    }

    void StartFaiss()
    {
        faiss = FaissProcess.TryStart(Device.Threads, out noFaiss);
        // On small shapes it only has to be right.
        if (faiss is not { HasReferenceBlas: true } || config.Size == BenchmarkSize.Quick) return;
        noFaiss = $"FAISS {faiss.Version} multiplies with the slow {faiss.Blas}: no fair peer; install libopenblas0-pthread";
        faiss.Dispose();
        faiss = null;
    }

    public void Dispose()
    {
        interruption.Dispose();
        open?.Gallery.Dispose();
        faiss?.Dispose();
    }
}
