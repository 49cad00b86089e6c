using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Osprey.Engine.Model;

/// <summary>The <c>features</c> of SqueezeNet 1.1: 512 channels, stride 16, no batch normalisation. Iandola et al. 2016.</summary>
sealed class SqueezeNet : Backbone
{
    /// <summary>The fire modules in order: index in torchvision's <c>features</c>, input channels, squeezed, expanded (each of two).</summary>
    static readonly (int Index, long Input, long Squeezed, long Expanded)[] Fires =
    [
        (3, 64, 16, 64), (4, 128, 16, 64), (6, 128, 32, 128), (7, 256, 32, 128),
        (9, 256, 48, 192), (10, 384, 48, 192), (11, 384, 64, 256), (12, 512, 64, 256),
    ];

    readonly Conv2d first;
    readonly Fire[] fires;

    public SqueezeNet(Generator generator) : base(nameof(SqueezeNet), Architecture.Squeezenet, 4, 512)
    {
        first = Convolutions.SqueezeNet(3, 64, 3, 2, 0, generator);
        fires = [.. Fires.Select(f => new Fire(f.Input, f.Squeezed, f.Expanded, generator))];
        register_module("features", new Features(first, fires));
    }

    /// <param name="input">[N,3,H,W], normalised.</param>
    /// <returns>[N,512,≈H/16,≈W/16].</returns>
    public override Tensor forward(Tensor input)
    {
        Tensor x = Mark(input, Stem(input), 0);
        for (int i = 0; i < fires.Length; i++)
        {
            using Tensor before = x;
            x = Mark(input, fires[i].call(before), i + 1);
            if (!IsPooled(i)) continue;
            using Tensor wide = x;
            x = Pool(wide);
        }
        return x;
    }

    /// <summary>features.5 and features.8 are the pools behind the second and the fourth fire module.</summary>
    public static bool IsPooled(int fire) => fire is 1 or 3;

    internal override IReadOnlyList<nn.Module> Blocks => fires;

    internal override FoldedBackbone Fold(int threads, Precision precision = Precision.Float32) => new FoldedSqueezeNet(threads, precision, first, fires.Select(f => f.Layers));

    Tensor Stem(Tensor input)
    {
        using var scope = NewDisposeScope();
        return Pool(first.call(input).relu_()).MoveToOuterDisposeScope();
    }

    static Tensor Pool(Tensor x) => nn.functional.max_pool2d(x, 3, stride: 2, ceil_mode: true);

    private protected override bool IsIgnored(string name) => name.StartsWith("classifier.", StringComparison.Ordinal);

    /// <summary>Names only: torchvision's indices, with gaps where activations and pools stand.</summary>
    sealed class Features : nn.Module
    {
        public Features(Conv2d first, Fire[] fires) : base(nameof(Features))
        {
            register_module("0", first);
            for (int i = 0; i < fires.Length; i++) register_module($"{Fires[i].Index}", fires[i]);
        }
    }

    /// <summary>1×1 down to few channels, then 1×1 and 3×3 up, side by side.</summary>
    sealed class Fire : nn.Module<Tensor, Tensor>
    {
        readonly Conv2d squeeze, expand1, expand3;

        public Fire(long input, long squeezed, long expanded, Generator generator) : base(nameof(Fire))
        {
            register_module("squeeze", squeeze = Convolutions.SqueezeNet(input, squeezed, 1, 1, 0, generator));
            register_module("expand1x1", expand1 = Convolutions.SqueezeNet(squeezed, expanded, 1, 1, 0, generator));
            register_module("expand3x3", expand3 = Convolutions.SqueezeNet(squeezed, expanded, 3, 1, 1, generator));
        }

        public (Conv2d Squeeze, Conv2d Expand1, Conv2d Expand3) Layers => (squeeze, expand1, expand3);

        public override Tensor forward(Tensor input)
        {
            using var scope = NewDisposeScope();
            Tensor x = squeeze.call(input).relu_();
            return cat([expand1.call(x).relu_(), expand3.call(x).relu_()], 1).MoveToOuterDisposeScope();
        }
    }
}
