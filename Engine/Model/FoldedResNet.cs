using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Osprey.Engine.Model;

/// <summary>See <see cref="ResNet"/>.</summary>
sealed class FoldedResNet : FoldedBackbone
{
    readonly FoldedConvolution stem;
    readonly Block[] blocks;

    public FoldedResNet(int threads, Precision precision, Conv2d conv1, SplitBatchNorm2d bn1, IEnumerable<ResidualBlock> blocks) : base(threads, precision)
    {
        stem = Fold(conv1, bn1);
        this.blocks = [.. blocks.Select(b => new Block([.. b.BranchLayers.Select(l => Fold(l.Conv, l.Norm))], b.ShortcutLayer is var (conv, norm) ? Fold(conv, norm) : null))];
    }

    private protected override Tensor Forward(Tensor pixels)
    {
        Tensor x;
        using (Tensor wide = stem.Apply(pixels, relu: true)) x = Pool(wide, padding: 1, ceiling: false);
        foreach (Block block in blocks)
        {
            Tensor next = block.Forward(x);
            if (!ReferenceEquals(next, x)) x.Dispose();
            x = next;
        }
        return x;
    }

    /// <summary>x → relu(branch(x) + shortcut(x)).</summary>
    sealed record Block(FoldedConvolution[] Branch, FoldedConvolution? Shortcut)
    {
        /// <returns>Where there is no shortcut, <paramref name="x"/> itself with the result in it.</returns>
        public Tensor Forward(Tensor x)
        {
            Tensor inner = Branch[0].Apply(x, relu: true);
            foreach (FoldedConvolution layer in Branch[1..^1])
            {
                Tensor next = layer.Apply(inner, relu: true);
                inner.Dispose();
                inner = next;
            }
            Tensor around = Shortcut?.Apply(x, relu: false) ?? x;
            Branch[^1].AddTo(around, inner);
            inner.Dispose();
            return around;
        }
    }
}
