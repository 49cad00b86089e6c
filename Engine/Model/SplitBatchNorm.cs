using Osprey.Interop.Torch;
using static TorchSharp.torch;

namespace Osprey.Engine.Model;

/// <summary>
/// Batch normalisation with torchvision's names (<c>weight</c>, <c>bias</c>, <c>running_mean</c>, <c>running_var</c>,
/// <c>num_batches_tracked</c>), its ε 1e-5 and momentum 0.1, and beside them, once <see cref="Split"/> was called, a second set under
/// <c>aux.</c>.
/// </summary>
public abstract class SplitBatchNorm : nn.Module<Tensor, Tensor>
{
    readonly BatchNormSet main;
    BatchNormSet? auxiliary;

    private protected SplitBatchNorm(string name, long channels) : base(name)
    {
        main = new BatchNormSet(channels);
        foreach (var (key, parameter) in main.named_parameters()) register_parameter(key, parameter);
        foreach (var (key, buffer) in main.named_buffers()) register_buffer(key, buffer);
    }

    /// <summary>The set in use, in training and in evaluation.</summary>
    /// <exception cref="InvalidOperationException">The auxiliary set is chosen and there is none.</exception>
    public NormBranch Branch
    {
        get;
        set
        {
            if (value == NormBranch.Auxiliary && !IsSplit) throw new InvalidOperationException("there is no auxiliary batch normalisation; call SplitNorms() first");
            field = value;
        }
    }

    /// <summary>What normalises in training; null, as in a backbone by itself: torch.</summary>
    internal SynchronizedNorm? Synchronized { get; set; }

    public bool IsSplit => auxiliary is not null;

    /// <summary>Makes the auxiliary set, a copy of the main one; does nothing where there is one already.</summary>
    public void Split()
    {
        if (IsSplit) return;
        auxiliary = new BatchNormSet(main.Weight.NumberOfElements);
        auxiliary.CopyFrom(main);
        ModuleTensors.Keep(auxiliary);
        register_module("aux", auxiliary);
    }

    /// <summary>The main set in evaluation: y = scale·x + shift per channel.</summary>
    internal (double[] Scale, double[] Shift) Affine() => main.Affine();

    /// <param name="input">[N,C] or [N,C,h,w].</param>
    /// <returns>The same shape.</returns>
    public override Tensor forward(Tensor input) => (Branch == NormBranch.Main ? main : auxiliary!).Apply(input, training, Synchronized);
}

/// <summary>For maps [N,C,h,w].</summary>
public sealed class SplitBatchNorm2d(long channels) : SplitBatchNorm(nameof(SplitBatchNorm2d), channels);

/// <summary>For rows [N,C].</summary>
public sealed class SplitBatchNorm1d(long channels) : SplitBatchNorm(nameof(SplitBatchNorm1d), channels);
