using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Osprey.Engine.Model;

/// <summary>FC (C→D, with bias) and batch normalisation: rows [N,C] → [N,D], not yet of unit length.</summary>
sealed class WhiteningHead : nn.Module<Tensor, Tensor>
{
    readonly Linear fc;

    public WhiteningHead(int channels, int dimension, long seed) : base(nameof(WhiteningHead))
    {
        using var generator = new Generator((ulong)seed);
        fc = nn.Linear(channels, dimension);
        using (no_grad())
        {
            double bound = 1 / Math.Sqrt(channels);
            fc.weight.uniform_(-bound, bound, generator);
            fc.bias!.uniform_(-bound, bound, generator);
        }
        Norm = new SplitBatchNorm1d(dimension);
        register_module("fc", fc);
        register_module("bn", Norm);
        ModuleTensors.Keep(this);
    }

    public SplitBatchNorm1d Norm { get; }

    public override Tensor forward(Tensor input)
    {
        using Tensor mapped = fc.call(input);
        return Norm.call(mapped);
    }
}
