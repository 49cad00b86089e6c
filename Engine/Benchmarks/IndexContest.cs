using System.Diagnostics;
using Osprey.Interop.Formats;
using Osprey.Kernels.Search;

namespace Osprey.Engine.Benchmarks;

/// <summary>Making the index of a gallery beside reading its rows from a file that the system holds in memory.</summary>
public sealed class IndexContest : Contest
{
    readonly Gallery gallery;
    readonly string folder;
    double? memory;

    /// <param name="gallery">Stays the caller's.</param>
    public IndexContest(Gallery gallery)
    {
        this.gallery = gallery;
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

    public override double? IndexMemory => memory;

    public override IReadOnlyList<Peer> Peers { get; }

    public override void Ours()
    {
        using CertifiedSearch index = gallery.CreateIndex(Similarity.InnerProduct);
        memory = (double)index.CodeBytes / sizeof(float) / gallery.Rows.Length;
    }

    public override double? MaxError() => null;

    protected override void Dispose(bool disposing)
    {
        if (disposing) Directory.Delete(folder, recursive: true);
    }
}
