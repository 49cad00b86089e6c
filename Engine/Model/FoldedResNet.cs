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
        Tensor wide = stem.Apply(pixels, relu: true), x = Pool(wide, padding: 1, ceiling: false);
        Release(wide);
        foreach (Block block in blocks)
        {
            Tensor next = Forward(block, x);
            if (!ReferenceEquals(next, x)) Release(x);
            x = next;
        }
        return x;
    }

    /// <summary>x → relu(branch(x) + shortcut(x)).</summary>
    /// <returns>Where there is no shortcut, <paramref name="x"/> itself with the result in it.</returns>
    Tensor Forward(Block block, Tensor x)
    {
        Tensor inner = block.Branch[0].Apply(x, relu: true);
        foreach (FoldedConvolution layer in block.Branch.AsSpan(1..^1))
        {
            Tensor next = layer.Apply(inner, relu: true);
            Release(inner);
            inner = next;
        }
        Tensor around = block.Shortcut?.Apply(x, relu: false) ?? x;
        block.Branch[^1].AddTo(around, inner);
        Release(inner);
        return around;
    }

    sealed record Block(FoldedConvolution[] Branch, FoldedConvolution? Shortcut);
}
