using Osprey.Engine.Distributed;
using Osprey.Engine.Model;
using Osprey.Interop.Torch;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Osprey.Engine.Training;

/// <summary>
/// Adds up the ranks' gradients, bucket by bucket from the last layers to the first, each as soon as the way back has passed it: while one bucket is on its way between
/// the processes, the gradients of the layers before it are computed.
/// </summary>
/// <remarks>
/// A step may pass a block several times (clean and attacked images, accumulated batches); a bucket goes after the last of them. Buckets and their order follow from the
/// network alone, so that all ranks send alike.
/// </remarks>
internal sealed class GradientReduction : IDisposable
{
    /// <summary>Values of a bucket at least, but for the last: 4 MiB.</summary>
    const long BucketLength = 1 << 20;

    readonly BatchShare share;
    readonly int passes;
    readonly Bucket[] buckets;
    readonly int[] passed;

    /// <param name="embedder">Its blocks get the marks; as it will be trained, with its head and its norms split.</param>
    /// <param name="alike">Parameters whose gradients every rank has in full: rank 0's are taken.</param>
    /// <param name="passes">Times that a step's gradients pass every block, 1 or more.</param>
    public GradientReduction(BatchShare share, Embedder embedder, IEnumerable<Parameter> alike, int passes)
    {
        this.share = share;
        this.passes = passes;
        IReadOnlyList<IReadOnlyList<Parameter>> blocks = embedder.BlockParameters;
        passed = new int[blocks.Count + 1];
        // Behind the last block, the blocks from last to first, what comes before them.
        var inBlocks = new HashSet<nint>(blocks.SelectMany(b => b).Select(TensorMemory.Address));
        List<Part> parts = [.. embedder.HeadParameters.Select(p => new Part(p.Parameter, blocks.Count, false)), .. alike.Select(p => new Part(p, blocks.Count, true))];
        for (int b = blocks.Count - 1; b >= 0; b--) parts.AddRange(blocks[b].Select(p => new Part(p, b, false)));
        parts.AddRange(embedder.BackboneParameters.Where(p => !inBlocks.Contains(TensorMemory.Address(p.Parameter))).Select(p => new Part(p.Parameter, -1, false)));
        buckets = [.. Divide(parts)];
        embedder.MarkBlocks(Passed);
    }

    /// <param name="Block">Its gradient is ready when the way back reaches this block's input; the number of blocks: the last one's output; −1: the end.</param>
    /// <param name="Alike">Every rank has the whole gradient.</param>
    readonly record struct Part(Parameter Parameter, int Block, bool Alike);

    /// <summary>Parameters whose gradients travel together, and where they do.</summary>
    sealed record Bucket(Part[] Parts, int Block, Tensor Values);

    static IEnumerable<Bucket> Divide(IReadOnlyList<Part> parts)
    {
        var inHand = new List<Part>();
        long length = 0;
        for (int i = 0; i < parts.Count; i++)
        {
            inHand.Add(parts[i]);
            length += parts[i].Parameter.numel();
            // What is ready only at the end does not hold up what is ready before.
            if (length < BucketLength && i + 1 < parts.Count && (parts[i + 1].Block >= 0 || parts[i].Block < 0)) continue;
            yield return new Bucket([.. inHand], inHand[^1].Block, zeros(length).DetachFromDisposeScope());
            inHand.Clear();
            length = 0;
        }
    }

    /// <summary>Before a step's first backward pass.</summary>
    public void Begin() => Array.Clear(passed);

    /// <summary>The way back is at a block's input.</summary>
    void Passed(int block)
    {
        if (++passed[block] == passes) Send(block);
    }

    void Send(int block)
    {
        foreach (Bucket bucket in buckets.Where(b => b.Block == block))
        {
            using (DisposeScope scope = NewDisposeScope())
            using (no_grad())
            {
                foreach ((Tensor place, Tensor gradient, bool alike) in Places(bucket))
                {
                    if (alike && share.Ranks.Rank > 0) place.zero_();
                    else place.copy_(gradient);
                }
            }
            share.Ranks.Begin(ranks => ranks.AllReduceSum(TensorMemory.Write(bucket.Values)));
        }
    }

    /// <summary>After the last backward pass: when it returns, the gradients of all ranks stand in the parameters of each.</summary>
    public void Finish()
    {
        if (Array.FindIndex(passed, p => p != passes) is >= 0 and int block)
            throw new InvalidOperationException($"the step's gradients passed block {block} of the network {passed[block]} times, and {passes} were expected");
        Send(-1);
        share.Ranks.Wait();
        using DisposeScope scope = NewDisposeScope();
        using var frozen = no_grad();
        foreach ((Tensor place, Tensor gradient, _) in buckets.SelectMany(Places)) gradient.copy_(place);
    }

    /// <summary>Each gradient that there is, on all ranks alike, and where it lies in the bucket.</summary>
    static IEnumerable<(Tensor Place, Tensor Gradient, bool Alike)> Places(Bucket bucket)
    {
        long at = 0;
        foreach (Part part in bucket.Parts)
        {
            long length = part.Parameter.numel();
            if (part.Parameter.grad is Tensor gradient) yield return (bucket.Values.narrow(0, at, length).view(part.Parameter.shape), gradient, part.Alike);
            at += length;
        }
    }

    public void Dispose()
    {
        foreach (Bucket bucket in buckets) bucket.Values.Dispose();
    }
}
