using Osprey.Interop.Mpi;
using Osprey.Interop.Torch;
using TorchSharp.Modules;

namespace Osprey.Engine.Model;

/// <summary>What training in several processes needs of the network.</summary>
public sealed partial class Embedder
{
    /// <summary>The backbone's blocks from the images on, each with its parameters.</summary>
    internal IReadOnlyList<IReadOnlyList<Parameter>> BlockParameters => [.. backbone.Blocks.Select(b => (IReadOnlyList<Parameter>)[.. b.parameters()])];

    /// <summary>Batch normalisation in training is that of the images of all processes. From the start it is that of the one.</summary>
    /// <param name="ranks">The caller's.</param>
    internal void SynchronizeNorms(ICommunicator ranks)
    {
        synchronized = new SynchronizedNorm(threads, ranks);
        foreach (SplitBatchNorm norm in Norms()) norm.Synchronized = synchronized;
    }

    /// <summary>Tells of every way back to the parameters that it has passed a block; not of an attack's, which leads to the pixels.</summary>
    /// <param name="passed">Gets the number of the block whose input is reached; the number of blocks at the last one's output.</param>
    internal void MarkBlocks(Action<int> passed) => backbone.BlockPassed = passed;
}
