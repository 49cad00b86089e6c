using System.IO.Compression;
using Osprey.Interop.Formats;

namespace Osprey.Engine.Retrieval;

/// <summary>A ranking as numpy reads it: <c>np.load(file)</c> has <c>ids</c> [Q,k] int64, −1 past the last found, and <c>scores</c> [Q,k] float32.</summary>
public static class RankingFile
{
    public static void WriteNpz(string path, Ranking ranking)
    {
        long[] ids = new long[(long)ranking.Queries * ranking.K];
        float[] scores = new float[ids.Length];
        for (int q = 0; q < ranking.Queries; q++)
        {
            ranking.Ids(q).CopyTo(ids.AsSpan(q * ranking.K));
            ranking.Scores(q).CopyTo(scores.AsSpan(q * ranking.K));
        }
        string aside = path + ".tmp";
        using (var archive = new ZipArchive(File.Create(aside), ZipArchiveMode.Create))
        {
            using (Stream entry = archive.CreateEntry("ids.npy", CompressionLevel.NoCompression).Open()) Npy.Write(entry, ids, ranking.Queries, ranking.K);
            using (Stream entry = archive.CreateEntry("scores.npy", CompressionLevel.NoCompression).Open()) Npy.Write(entry, scores, NpyType.Float32, ranking.Queries, ranking.K);
        }
        File.Move(aside, path, overwrite: true);
    }
}
