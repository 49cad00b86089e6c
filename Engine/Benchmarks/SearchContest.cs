using Osprey.Interop.Faiss;
using Osprey.Interop.Torch;
using Osprey.Kernels.Search;
using static TorchSharp.torch;

namespace Osprey.Engine.Benchmarks;

/// <summary>Exact search of a gallery beside torch's product and selection and, where it is installed, FAISS's flat index.</summary>
public sealed class SearchContest : Contest
{
    /// <summary>Queries whose answer is compared with 64-bit scores of every row.</summary>
    const int Checked = 8;

    /// <summary>A millisecond of OpenBLAS's spinning, and some more to fall asleep.</summary>
    const int FaissSettle = 5;

    readonly Gallery gallery;
    readonly Similarity similarity;
    readonly int queries, k;
    readonly float[] asked;
    readonly Tensor askedTensor;
    readonly TopK answer;
    (long[] Ids, float[] Scores) torchAnswer;

    /// <param name="gallery">Stays the caller's.</param>
    /// <param name="similarity">Inner product or L2.</param>
    /// <param name="queries">Of the gallery's, at most as many as it has.</param>
    /// <param name="k">Ranks, at most the gallery's rows.</param>
    /// <param name="noFaiss">Why the gallery has no FAISS, where it has none.</param>
    public SearchContest(Gallery gallery, Similarity similarity, int queries, int k, string noFaiss)
    {
        this.gallery = gallery;
        this.similarity = similarity;
        this.k = Math.Min(k, gallery.Count);
        this.queries = Math.Min(queries, gallery.Queries.Length / gallery.Dimension);
        gallery.Use(similarity);
        asked = gallery.Queries[..(this.queries * gallery.Dimension)];
        answer = new TopK(this.queries, this.k, similarity);
        askedTensor = TensorMemory.FromSpan(asked, this.queries, gallery.Dimension);
        Peers =
        [
            Peer.Here("torch", __version__, () => torchAnswer = gallery.Torch.Search(askedTensor, this.k)) with { Agreement = () => Agreement(torchAnswer) },
            gallery.Faiss is { } faiss ? Faiss(faiss) : new Peer("faiss", "", () => double.NaN) { Missing = noFaiss },
        ];
    }

    Peer Faiss(FaissProcess faiss)
    {
        faiss.SetQueries(asked, gallery.Dimension);
        return new Peer("faiss", $"{faiss.Version} with {faiss.Blas}", () => 1000 * faiss.Search(k)) { Settle = FaissSettle, Agreement = () => Agreement(faiss.Answer()) };
    }

    /// <summary>Every row's codes once, a byte a value.</summary>
    public override double BytesRead => gallery.Rows.Length;

    public override double BytesWritten => 0;

    public override double Operations => 2.0 * gallery.Rows.Length * queries;

    public override double? IndexMemory => (double)gallery.Index.CodeBytes / sizeof(float) / gallery.Rows.Length;

    public override IReadOnlyList<Peer> Peers { get; }

    /// <summary>Until every query's ids and scores are there in order.</summary>
    public override void Ours()
    {
        gallery.Index.Search(asked, answer);
        for (int q = 0; q < queries; q++) answer.Ids(q);
    }

    RankingAgreement Agreement((long[] Ids, float[] Scores) other)
    {
        long[] ids = new long[queries * k];
        float[] scores = new float[queries * k];
        for (int q = 0; q < queries; q++)
        {
            answer.Ids(q).CopyTo(ids.AsSpan(q * k));
            answer.Scores(q).CopyTo(scores.AsSpan(q * k));
        }
        return RankingAgreement.Of(ids, scores, other.Ids, other.Scores, k);
    }

    /// <summary>Over some of the queries: the score at every rank beside the best 64-bit scores there are, and beside the 64-bit score of the row that is named.</summary>
    public override double? MaxError()
    {
        Ours();
        double error = 0;
        int some = Math.Min(Checked, queries);
        for (int c = 0; c < some; c++)
        {
            int q = (int)((long)c * queries / some);
            double[] scores = Reference(q), best = [.. scores];
            Array.Sort(best);
            if (similarity != Similarity.L2) Array.Reverse(best);
            double scale = best.Take(k).Max(Math.Abs);
            for (int r = 0; r < k; r++)
            {
                long id = answer.Ids(q)[r];
                float score = answer.Scores(q)[r];
                double difference = id < 0 ? double.NaN : Math.Max(Math.Abs(score - best[r]), Math.Abs(score - scores[id])) / scale;
                // Written so that a NaN stays.
                if (!(difference <= error)) error = difference;
            }
        }
        return error;
    }

    /// <summary>The scores of all rows for one query.</summary>
    double[] Reference(int q)
    {
        const int rowsAtOnce = 4096;
        int dimension = gallery.Dimension;
        double[] scores = new double[gallery.Count];
        Parallel.For(0, (scores.Length + rowsAtOnce - 1) / rowsAtOnce, block =>
        {
            ReadOnlySpan<float> query = asked.AsSpan(q * dimension, dimension);
            for (int i = block * rowsAtOnce; i < Math.Min(scores.Length, (block + 1) * rowsAtOnce); i++)
            {
                ReadOnlySpan<float> row = gallery.Rows.AsSpan(i * dimension, dimension);
                double sum = 0;
                if (similarity == Similarity.L2)
                {
                    for (int j = 0; j < dimension; j++) sum += ((double)query[j] - row[j]) * ((double)query[j] - row[j]);
                }
                else
                {
                    for (int j = 0; j < dimension; j++) sum += (double)query[j] * row[j];
                }
                scores[i] = sum;
            }
        });
        return scores;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing) askedTensor.Dispose();
    }
}
