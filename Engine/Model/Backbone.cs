using Osprey.Interop.Torch;
using static TorchSharp.torch;

namespace Osprey.Engine.Model;

/// <summary>A convolutional network without its classifier: normalised images [N,3,H,W] → feature map [N,<see cref="Channels"/>,h,w]. Parameter names are torchvision's.</summary>
public abstract class Backbone : nn.Module<Tensor, Tensor>
{
    private protected Backbone(string name, Architecture architecture, int stage, int channels) : base(name)
    {
        Architecture = architecture;
        Stage = stage;
        Channels = channels;
    }

    public Architecture Architecture { get; }

    /// <summary>The last stage, 2 to 4.</summary>
    public int Stage { get; }

    /// <summary>Channels of the feature map.</summary>
    public int Channels { get; }

    /// <summary>A network with torchvision's random initialisation.</summary>
    /// <exception cref="ArgumentException">The configuration is not valid.</exception>
    public static Backbone Create(EmbedderConfig config, long seed = 0)
    {
        config.Validate();
        using var scope = NewDisposeScope();
        using var generator = new Generator((ulong)seed);
        Backbone backbone = config.Architecture == Architecture.Squeezenet
            ? new SqueezeNet(generator)
            : new ResNet(config.Architecture, config.Stage, generator);
        ModuleTensors.Keep(backbone);
        return backbone;
    }

    /// <summary>
    /// Loads torchvision's weights, strict by name and shape; half types become float32. The classifier and stages behind <see cref="Stage"/>
    /// are left out, and batch counters may be missing (files from before PyTorch 0.4.1).
    /// </summary>
    /// <param name="weights">Tensors by torchvision's names; read, not kept.</param>
    /// <param name="source">What to call them in an error, such as the file's path.</param>
    /// <exception cref="InvalidDataException">A tensor is missing, has another shape, or does not belong; the message names the first few and guesses what the weights are.</exception>
    public void LoadTorchvision(IReadOnlyDictionary<string, Tensor> weights, string source = "the weights")
    {
        WeightsFit fit = WeightsFit.Check(ModuleTensors.State(this), weights, IsIgnored);
        if (!fit.IsExact)
        {
            string? guess = ArchitectureGuess.From(weights.Select(w => (w.Key, (IReadOnlyList<long>)w.Value.shape))).Describe();
            throw new InvalidDataException($"{source} does not fit {Describe()}: {fit.Describe()}{(guess is null ? "" : $"; it looks like {guess}")}");
        }
        ModuleTensors.Copy(weights, ModuleTensors.State(this));
    }

    /// <summary>What the feature map is made by, one after the other, after the first layers.</summary>
    internal abstract IReadOnlyList<nn.Module> Blocks { get; }

    /// <summary>As of <see cref="Embedder.MarkBlocks"/>; null: nobody asks.</summary>
    internal Action<int>? BlockPassed { get; set; }

    /// <summary>The map before a block, which is gone afterwards, as one that tells of the way back.</summary>
    /// <param name="input">The network's.</param>
    private protected Tensor Mark(Tensor input, Tensor map, int block)
    {
        if (BlockPassed is not { } passed || !is_grad_enabled() || input.requires_grad) return map;
        using (map) return BackwardMark.Apply(map, () => passed(block));
    }

    /// <summary>A copy for inference of the weights as they are now; the caller's.</summary>
    /// <param name="threads">That it may use, 1 or more; in bfloat16 libtorch's own number counts.</param>
    /// <param name="precision">Of its convolutions.</param>
    internal abstract FoldedBackbone Fold(int threads, Precision precision = Precision.Float32);

    public string Describe() => ArchitectureGuess.Name(Architecture, Stage);

    /// <summary>Whether torchvision has a tensor of this name behind the part that is kept.</summary>
    private protected abstract bool IsIgnored(string name);
}
