using System.Diagnostics;
using Osprey.Engine.Retrieval;
using Osprey.Interop.Formats;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Benchmarks;

/// <summary>Making the index of a gallery beside reading its rows from a file that the system holds in memory.</summary>
public sealed class IndexContest : Contest
{
    readonly Gallery gallery;
    readonly Device device;
    readonly string folder;

    /// <param name="gallery">Stays the caller's.</param>
    /// <param name="device">Stays the caller's.</param>
    public IndexContest(Gallery gallery, Device device)
    {
        this.gallery = gallery;
        this.device = device;
        folder = Directory.CreateTempSubdirectory("osprey-bench-").FullName;
        string path = Path.Combine(folder, "rows.npy");
        Npy.Write(path, gallery.Rows, gallery.Count, gallery.Dimension);
        Peers =
        [
            new Peer("read rows", "", () =>
            {
                long start = Stopwatch.GetTimestamp();
                Npy.ReadSingles(path);
                return Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            }),
        ];
    }

    /// <summary>Every row once.</summary>
    public override double BytesRead => sizeof(float) * (double)gallery.Rows.Length;

    /// <summary>A byte a value.</summary>
    public override double BytesWritten => gallery.Rows.Length;

    public override IReadOnlyList<Peer> Peers { get; }

    public override void Ours()
    {
        using var index = new ExactIndex(gallery.Rows, gallery.Dimension, device, Metric.InnerProduct);
    }

    public override double? MaxError() => null;

    protected override void Dispose(bool disposing)
    {
        if (disposing) Directory.Delete(folder, recursive: true);
    }
}
