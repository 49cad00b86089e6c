using System.IO.Compression;
using Osprey.Interop.Formats;

namespace Osprey.Engine.Retrieval;

/// <summary>
/// A ranking as numpy reads it: <c>np.load(file)</c> has <c>ids</c> [Q,k] int64, −1 past the last found, <c>scores</c> [Q,k] float32, and <c>queries</c> [Q],
/// which query each row is of.
/// </summary>
public static class RankingFile
{
    /// <param name="path">The file.</param>
    /// <param name="ranking">[Q,k].</param>
    /// <param name="queries">A name for each row.</param>
    /// <exception cref="ArgumentException">There are not as many names as queries.</exception>
    public static void WriteNpz(string path, Ranking ranking, IReadOnlyList<string> queries)
    {
        if (queries.Count != ranking.Queries) throw new ArgumentException($"{queries.Count} names were given for {ranking.Queries} queries");
        long[] ids = new long[(long)ranking.Queries * ranking.K];
        float[] scores = new float[ids.Length];
        for (int q = 0; q < ranking.Queries; q++)
        {
            ranking.Ids(q).CopyTo(ids.AsSpan(q * ranking.K));
            ranking.Scores(q).CopyTo(scores.AsSpan(q * ranking.K));
        }
        AtomicFile.Write(path, file =>
        {
            using var archive = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true);
            // Without the time of day in it, so that equal answers are equal files.
            Stream Open(string name)
            {
                ZipArchiveEntry entry = archive.CreateEntry(name, CompressionLevel.NoCompression);
                entry.LastWriteTime = new DateTimeOffset(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);
                return entry.Open();
            }
            using (Stream entry = Open("ids.npy")) Npy.Write(entry, ids, ranking.Queries, ranking.K);
            using (Stream entry = Open("scores.npy")) Npy.Write(entry, scores, NpyType.Float32, ranking.Queries, ranking.K);
            using (Stream entry = Open("queries.npy")) Npy.Write(entry, queries);
        });
    }
}
