using TorchSharp;
using static TorchSharp.torch;

namespace Osprey.Interop.Torch;

/// <summary>Exact search as a user of torch writes it: a product and a selection. A peer to measure against, not what the engine uses.</summary>
public sealed class TorchSearch : IDisposable
{
    /// <summary>Scores held at once: 1 GB of them. Without a limit a million rows would not fit beside a thousand queries.</summary>
    const int ScoresAtOnce = 1 << 28;

    readonly Tensor rows;
    readonly Tensor? squares;

    /// <param name="rows">[N, D], float32 on the CPU; copied.</param>
    /// <param name="dimension">D.</param>
    /// <param name="l2">Squared distance, smaller is nearer, instead of the inner product.</param>
    public TorchSearch(ReadOnlySpan<float> rows, int dimension, bool l2)
    {
        this.rows = TensorMemory.FromSpan(rows, rows.Length / dimension, dimension);
        if (l2) squares = this.rows.square().sum(1);
    }

    /// <summary>The k best rows of each query, best first.</summary>
    /// <param name="queries">[Q, D], float32 on the CPU.</param>
    /// <param name="k">1 … N.</param>
    /// <returns>[Q, k] each.</returns>
    public (long[] Ids, float[] Scores) Search(Tensor queries, int k)
    {
        using var plain = no_grad();
        int count = (int)queries.shape[0], batch = Math.Clamp((int)(ScoresAtOnce / rows.shape[0]), 1, Math.Max(count, 1));
        long[] ids = new long[count * k];
        float[] scores = new float[count * k];
        for (int first = 0; first < count; first += batch)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor q = queries.narrow(0, first, Math.Min(batch, count - first)), score = q.mm(rows.t());
            if (squares is not null) score = score.mul_(-2).add_(squares).add_(q.square().sum(1, keepdim: true));
            (Tensor best, Tensor at) = score.topk(k, 1, largest: squares is null, sorted: true);
            best.data<float>().CopyTo(scores, first * k);
            at.data<long>().CopyTo(ids, first * k);
        }
        return (ids, scores);
    }

    public void Dispose()
    {
        rows.Dispose();
        squares?.Dispose();
    }
}
