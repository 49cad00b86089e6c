using Osprey.Interop.Torch;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Osprey.Engine.Model;

/// <summary>ResNet-18, 34, 50 or 101 from <c>conv1</c> to the end of stage 2, 3 or 4 (<c>layer2</c> … <c>layer4</c>). He et al. 2016; torchvision's variant with the stride in the 3×3 convolution.</summary>
sealed class ResNet : Backbone
{
    readonly Conv2d conv1;
    readonly SplitBatchNorm2d bn1;
    readonly ResidualBlock[] blocks;
    readonly bool bottleneck;

    public ResNet(Architecture architecture, int stage, Generator generator) : base(nameof(ResNet), architecture, stage, ChannelsOf(architecture, stage))
    {
        conv1 = Convolutions.ResNet(3, 64, 7, 2, generator);
        bn1 = new SplitBatchNorm2d(64);
        register_module("conv1", conv1);
        register_module("bn1", bn1);
        (bottleneck, int[] counts) = ArchitectureGuess.Layout(architecture);
        var all = new List<ResidualBlock>();
        long channels = 64;
        for (int s = 1; s <= stage; s++)
        {
            long planes = 32L << s;
            var inStage = new List<ResidualBlock>();
            for (int b = 0; b < counts[s - 1]; b++)
            {
                long stride = b == 0 && s > 1 ? 2 : 1;
                inStage.Add(bottleneck ? new Bottleneck(channels, planes, stride, generator) : new BasicBlock(channels, planes, stride, generator));
                channels = bottleneck ? 4 * planes : planes;
            }
            register_module($"layer{s}", new Children([.. inStage]));
            all.AddRange(inStage);
        }
        blocks = [.. all];
    }

    static int ChannelsOf(Architecture architecture, int stage) => (32 << stage) * (ArchitectureGuess.Layout(architecture).Bottleneck ? 4 : 1);

    /// <param name="input">[N,3,H,W], normalised.</param>
    /// <returns>[N,C,H/8,W/8] for stage 2, /16 for 3, /32 for 4, rounded up.</returns>
    /// <exception cref="NotSupportedException">Gradients are wanted of a network of bottlenecks, on a machine where libtorch cannot compute them.</exception>
    public override Tensor forward(Tensor input)
    {
        if (bottleneck && is_grad_enabled() && (training || input.requires_grad) && !ProcessorCaches.AllowBottleneckGradients)
            throw new NotSupportedException($"{Architecture} cannot be trained or attacked here: {ProcessorCaches.Advice}");
        Tensor x = Mark(input, Stem(input), 0);
        for (int i = 0; i < blocks.Length; i++)
        {
            Tensor next = blocks[i].call(x);
            x.Dispose();
            x = Mark(input, next, i + 1);
        }
        return x;
    }

    internal override IReadOnlyList<nn.Module> Blocks => blocks;

    internal override FoldedBackbone Fold(int threads, Precision precision = Precision.Float32) => new FoldedResNet(threads, precision, conv1, bn1, blocks);

    Tensor Stem(Tensor input)
    {
        using var scope = NewDisposeScope();
        // Channels-last, libtorch would divide by the size of a hidden cache on the way forward, too.
        if (bottleneck && !ProcessorCaches.AllowBottleneckGradients) input = input.contiguous();
        Tensor x = bn1.call(conv1.call(input)).relu_();
        return nn.functional.max_pool2d(x, 3, stride: 2, padding: 1).MoveToOuterDisposeScope();
    }

    private protected override bool IsIgnored(string name)
    {
        if (name.StartsWith("fc.", StringComparison.Ordinal)) return true;
        for (int s = Stage + 1; s <= 4; s++)
            if (name.StartsWith($"layer{s}.", StringComparison.Ordinal)) return true;
        return false;
    }
}
