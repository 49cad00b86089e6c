using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Osprey.Engine.Model;

/// <summary>See <see cref="SqueezeNet"/>; there is nothing to fold, and both expanding convolutions write into the one map.</summary>
sealed class FoldedSqueezeNet : FoldedBackbone
{
    readonly FoldedConvolution first;
    readonly (FoldedConvolution Squeeze, FoldedConvolution Expand1, FoldedConvolution Expand3)[] fires;

    public FoldedSqueezeNet(int threads, Precision precision, Conv2d first, IEnumerable<(Conv2d Squeeze, Conv2d Expand1, Conv2d Expand3)> fires) : base(threads, precision)
    {
        this.first = Fold(first, null);
        this.fires = [.. fires.Select(f => (Fold(f.Squeeze, null), Fold(f.Expand1, null), Fold(f.Expand3, null)))];
    }

    private protected override Tensor Forward(Tensor pixels)
    {
        Tensor x;
        using (Tensor wide = first.Apply(pixels, relu: true)) x = Pool(wide, padding: 0, ceiling: true);
        for (int i = 0; i < fires.Length; i++)
        {
            (FoldedConvolution squeeze, FoldedConvolution expand1, FoldedConvolution expand3) = fires[i];
            using Tensor before = x, squeezed = squeeze.Apply(before, relu: true);
            x = expand1.NewMap(squeezed, expand1.Outputs + expand3.Outputs);
            expand1.ApplyInto(x, 0, squeezed);
            expand3.ApplyInto(x, expand1.Outputs, squeezed);
            if (!SqueezeNet.IsPooled(i)) continue;
            using Tensor wide = x;
            x = Pool(wide, padding: 0, ceiling: true);
        }
        return x;
    }
}
