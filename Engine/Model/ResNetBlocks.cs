using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Osprey.Engine.Model;

/// <summary>Modules under the names 0, 1, 2 …, as nn.Sequential names them; run by their owner.</summary>
sealed class Children : nn.Module
{
    public Children(params nn.Module[] modules) : base(nameof(Children))
    {
        for (int i = 0; i < modules.Length; i++) register_module($"{i}", modules[i]);
    }
}

/// <summary>What both kinds of block share: the way around them. x → relu(branch(x) + shortcut(x)).</summary>
abstract class ResidualBlock : nn.Module<Tensor, Tensor>
{
    readonly Conv2d? shortcut;
    readonly SplitBatchNorm2d? shortcutNorm;

    protected ResidualBlock(string name, long input, long output, long stride, Generator generator) : base(name)
    {
        if (stride == 1 && input == output) return;
        shortcut = Convolutions.ResNet(input, output, 1, stride, generator);
        shortcutNorm = new SplitBatchNorm2d(output);
    }

    /// <summary>Last, so that the names come in torchvision's order.</summary>
    protected void RegisterShortcut()
    {
        if (shortcut is not null) register_module("downsample", new Children(shortcut, shortcutNorm!));
    }

    /// <summary>The branch, layer by layer; a ReLU follows each but the last.</summary>
    public abstract IReadOnlyList<(Conv2d Conv, SplitBatchNorm2d Norm)> BranchLayers { get; }

    /// <summary>The way around; null where it is the input itself.</summary>
    public (Conv2d Conv, SplitBatchNorm2d Norm)? ShortcutLayer => shortcut is null ? null : (shortcut, shortcutNorm!);

    protected abstract Tensor Branch(Tensor x);

    public sealed override Tensor forward(Tensor input)
    {
        // Intermediate maps go here, block by block; in training the graph keeps what it needs.
        using var scope = NewDisposeScope();
        Tensor around = shortcut is null ? input : shortcutNorm!.call(shortcut.call(input));
        return Branch(input).add_(around).relu_().MoveToOuterDisposeScope();
    }
}

/// <summary>3×3, 3×3.</summary>
sealed class BasicBlock : ResidualBlock
{
    readonly Conv2d conv1, conv2;
    readonly SplitBatchNorm2d bn1, bn2;

    public BasicBlock(long input, long planes, long stride, Generator generator) : base(nameof(BasicBlock), input, planes, stride, generator)
    {
        register_module("conv1", conv1 = Convolutions.ResNet(input, planes, 3, stride, generator));
        register_module("bn1", bn1 = new SplitBatchNorm2d(planes));
        register_module("conv2", conv2 = Convolutions.ResNet(planes, planes, 3, 1, generator));
        register_module("bn2", bn2 = new SplitBatchNorm2d(planes));
        RegisterShortcut();
    }

    public override IReadOnlyList<(Conv2d Conv, SplitBatchNorm2d Norm)> BranchLayers => [(conv1, bn1), (conv2, bn2)];

    protected override Tensor Branch(Tensor x) => bn2.call(conv2.call(bn1.call(conv1.call(x)).relu_()));
}

/// <summary>1×1, 3×3, 1×1 to four times the planes.</summary>
sealed class Bottleneck : ResidualBlock
{
    readonly Conv2d conv1, conv2, conv3;
    readonly SplitBatchNorm2d bn1, bn2, bn3;

    public Bottleneck(long input, long planes, long stride, Generator generator) : base(nameof(Bottleneck), input, 4 * planes, stride, generator)
    {
        register_module("conv1", conv1 = Convolutions.ResNet(input, planes, 1, 1, generator));
        register_module("bn1", bn1 = new SplitBatchNorm2d(planes));
        register_module("conv2", conv2 = Convolutions.ResNet(planes, planes, 3, stride, generator));
        register_module("bn2", bn2 = new SplitBatchNorm2d(planes));
        register_module("conv3", conv3 = Convolutions.ResNet(planes, 4 * planes, 1, 1, generator));
        register_module("bn3", bn3 = new SplitBatchNorm2d(4 * planes));
        RegisterShortcut();
    }

    public override IReadOnlyList<(Conv2d Conv, SplitBatchNorm2d Norm)> BranchLayers => [(conv1, bn1), (conv2, bn2), (conv3, bn3)];

    protected override Tensor Branch(Tensor x) => bn3.call(conv3.call(bn2.call(conv2.call(bn1.call(conv1.call(x)).relu_())).relu_()));
}
