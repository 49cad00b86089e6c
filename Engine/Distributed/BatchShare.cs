using System.Runtime.InteropServices;
using Osprey.Interop.Mpi;
using Osprey.Interop.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Osprey.Engine.Distributed;

/// <summary>
/// One rank's share of every batch that the ranks train on together: of R ranks rank r has images r, r + R, r + 2R … of it. A process by itself has all, and nothing here
/// costs it anything.
/// </summary>
/// <remarks>
/// Dealt out like cards and not cut into R parts: in a balanced batch the images of a class lie side by side, and a recipe that attacks whole classes then gives
/// every rank the same work.
/// </remarks>
/// <param name="ranks">The caller's.</param>
public sealed class BatchShare(BackgroundCommunicator ranks)
{
    /// <summary>A process by itself.</summary>
    public static BatchShare Whole { get; } = new(new BackgroundCommunicator(new SingleProcess()));

    public BackgroundCommunicator Ranks => ranks;

    /// <summary>Whether there is no other rank.</summary>
    public bool IsWhole => ranks.Size == 1;

    /// <summary>Which of so many images this rank has, rising.</summary>
    public IEnumerable<int> Positions(int images) => Enumerable.Range(0, images).Where(Has);

    /// <summary>Whether the image at this position is this rank's.</summary>
    public bool Has(int position) => position % ranks.Size == ranks.Rank;

    /// <summary>Where it stands among this rank's.</summary>
    public int IndexOf(int position) => position / ranks.Size;

    /// <summary>Where this rank's images stand in the batch.</summary>
    /// <param name="own">How many it has.</param>
    public int[] PlacesOf(long own) => [.. Enumerable.Range(0, (int)own).Select(i => (i * ranks.Size) + ranks.Rank)];

    /// <summary>The labels of the batch, in its order, of this rank's.</summary>
    /// <param name="own">[n] int64.</param>
    public long[] Labels(Tensor own)
    {
        long[] mine = [.. MemoryMarshal.Cast<byte, long>(TensorMemory.Bytes(own))];
        if (IsWhole) return mine;
        // Each rank's in their places, zeros elsewhere: whole numbers add up exactly.
        double[] labels = new double[(int)ranks.Counts(mine.Length).Sum()];
        int[] places = PlacesOf(mine.Length);
        for (int i = 0; i < mine.Length; i++) labels[places[i]] = mine[i];
        ranks.AllReduceSum(labels);
        return [.. labels.Select(l => (long)l)];
    }

    /// <summary>The rows of all ranks, rank by rank: what is computed of them, each rank computes alike, and its gradient flows back into the rank's own.</summary>
    /// <param name="own">[n,D] float32, n any number on each rank; [n] counts as [n,1].</param>
    /// <returns>[N,D] or [N]; of a process by itself its own rows.</returns>
    public Tensor Gather(Tensor own)
    {
        if (IsWhole) return own;
        using DisposeScope scope = NewDisposeScope();
        Tensor rows = own.dim() == 1 ? own.unsqueeze(1) : own;
        double[] counts = ranks.Counts(rows.shape[0]);
        var span = new RowSpan(this, (long)counts.Take(ranks.Rank).Sum(), (long)counts.Sum());
        Tensor all = is_grad_enabled() && rows.requires_grad ? GatherFunction.apply(rows.contiguous(), span) : span.Collect(rows.contiguous());
        return (own.dim() == 1 ? all.squeeze(1) : all).MoveToOuterDisposeScope();
    }

    /// <summary>Whether it is so on any rank.</summary>
    public bool Any(bool own)
    {
        if (IsWhole) return own;
        double[] votes = [own ? 1 : 0];
        ranks.AllReduceSum(votes);
        return votes[0] > 0;
    }

    /// <summary>Copies rank 0's values to the tensors of every rank.</summary>
    /// <param name="tensors">Contiguous, on the CPU; as many of the same sizes on every rank.</param>
    public void Spread(IEnumerable<Tensor> tensors)
    {
        if (IsWhole) return;
        foreach (Tensor tensor in tensors) ranks.Broadcast(TensorMemory.Bytes(tensor), 0);
    }

    /// <param name="First">Where this rank's rows begin among all.</param>
    /// <param name="Count">All ranks' rows.</param>
    sealed record RowSpan(BatchShare Share, long First, long Count)
    {
        /// <summary>Each rank's rows in their place, zeros elsewhere, added up: exact, and the same bits everywhere.</summary>
        public Tensor Collect(Tensor rows)
        {
            using DisposeScope scope = NewDisposeScope();
            using var frozen = no_grad();
            Tensor all = zeros([Count, rows.shape[1]], float32);
            if (rows.shape[0] > 0) all.narrow(0, First, rows.shape[0]).copy_(rows);
            Share.Ranks.AllReduceSum(TensorMemory.Write(all));
            return scope.MoveToOuter(all);
        }
    }

    sealed class GatherFunction : autograd.SingleTensorFunction<GatherFunction>
    {
        public override string Name => "OspreyGather";

        public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
        {
            var (rows, span) = ((Tensor)vars[0], (RowSpan)vars[1]);
            ctx.save_data(nameof(span), span);
            ctx.save_data("own", rows.shape[0]);
            return span.Collect(rows);
        }

        public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
        {
            using Tensor received = grad_output;
            var span = (RowSpan)ctx.get_data("span");
            List<Tensor> gradients = [received.narrow(0, span.First, (long)ctx.get_data("own")).contiguous(), null!];
            // libtorch reads them after this returns: until the graph goes, the collector may not have them.
            ctx.save_data(nameof(gradients), gradients);
            return gradients;
        }
    }
}
