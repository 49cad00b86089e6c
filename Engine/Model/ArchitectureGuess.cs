namespace Osprey.Engine.Model;

/// <summary>What network a set of tensor names and shapes belongs to.</summary>
/// <param name="Architecture">Null where it is none that this engine has.</param>
/// <param name="Stage">The last stage present, 4 for SqueezeNet.</param>
/// <param name="Other">In words, a network that is recognised and not offered; null where nothing is recognised.</param>
public sealed record ArchitectureGuess(Architecture? Architecture, int Stage, string? Other)
{
    static readonly (Architecture Architecture, bool Bottleneck, int[] Blocks)[] ResNets =
    [
        (Model.Architecture.Resnet18, false, [2, 2, 2, 2]),
        (Model.Architecture.Resnet34, false, [3, 4, 6, 3]),
        (Model.Architecture.Resnet50, true, [3, 4, 6, 3]),
        (Model.Architecture.Resnet101, true, [3, 4, 23, 3]),
    ];

    /// <summary>Block counts of stages 1 to 4.</summary>
    internal static (bool Bottleneck, int[] Blocks) Layout(Architecture architecture)
    {
        foreach (var entry in ResNets)
            if (entry.Architecture == architecture) return (entry.Bottleneck, entry.Blocks);
        throw new ArgumentException($"{architecture} is no ResNet");
    }

    public static string Name(Architecture architecture, int stage)
    {
        if (architecture == Model.Architecture.Squeezenet) return "squeezenet1_1";
        string name = architecture.ToString().ToLowerInvariant();
        return stage == 4 ? name : $"{name} up to stage {stage}";
    }

    /// <summary>In words, or null where nothing is recognised.</summary>
    public string? Describe() => Architecture is Architecture known ? Name(known, Stage) : Other;

    /// <summary>
    /// A ResNet cut so early that two of them are the same network (50 and 101 up to stage 2) counts as the smaller one.
    /// </summary>
    public static ArchitectureGuess From(IEnumerable<(string Name, IReadOnlyList<long> Shape)> tensors)
    {
        var shapes = new Dictionary<string, IReadOnlyList<long>>();
        foreach (var (name, shape) in tensors) shapes[name] = shape;
        if (Has("features.3.squeeze.weight", 16, 64, 1, 1) && Has("features.0.weight", 64, 3, 3, 3)) return new(Model.Architecture.Squeezenet, 4, null);
        if (shapes.ContainsKey("features.3.squeeze.weight")) return Unknown("squeezenet1_0");
        if (shapes.ContainsKey("conv1.weight") && shapes.ContainsKey("layer1.0.conv1.weight")) return ResNet();
        if (shapes.Keys.Any(n => n.StartsWith("backbone.", StringComparison.Ordinal))) return Unknown("the weights of a trained run (open its folder, with model.json)");
        if (shapes.Keys.Any(n => n.Contains("self_attention", StringComparison.Ordinal) || n.Contains(".attn.", StringComparison.Ordinal))) return Unknown("a vision transformer");
        if (shapes.Keys.Any(n => n.Contains("denseblock", StringComparison.Ordinal))) return Unknown("a DenseNet");
        if (shapes.ContainsKey("features.0.weight") && shapes.ContainsKey("classifier.6.weight")) return Unknown("a VGG or AlexNet");
        if (shapes.ContainsKey("features.0.0.weight")) return Unknown("a MobileNet, EfficientNet or ConvNeXt");
        return Unknown(null);

        ArchitectureGuess ResNet()
        {
            bool bottleneck = shapes.ContainsKey("layer1.0.conv3.weight");
            if (!(bottleneck ? Has("layer1.0.conv2.weight", 64, 64, 3, 3) : Has("layer1.0.conv1.weight", 64, 64, 3, 3)) || !Has("conv1.weight", 64, 3, 7, 7))
                return Unknown("a ResNeXt, a wide ResNet or a ResNet with another first layer");
            int[] blocks = [.. Enumerable.Range(1, 4).Select(stage => Enumerable.Range(0, 100).TakeWhile(b => shapes.ContainsKey($"layer{stage}.{b}.conv1.weight")).Count())];
            int stages = blocks.TakeWhile(b => b > 0).Count();
            if (stages < 2) return Unknown("a ResNet that ends before its stage 2");
            foreach (var known in ResNets)
                if (known.Bottleneck == bottleneck && known.Blocks.AsSpan(0, stages).SequenceEqual(blocks.AsSpan(0, stages))) return new(known.Architecture, stages, null);
            return Unknown($"a ResNet of {string.Join("-", blocks.Take(stages))} blocks");
        }

        bool Has(string name, params ReadOnlySpan<long> shape) => shapes.TryGetValue(name, out IReadOnlyList<long>? found) && shape.SequenceEqual(found.ToArray());
        static ArchitectureGuess Unknown(string? what) => new(null, 0, what);
    }
}
