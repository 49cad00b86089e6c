using System.Security.Cryptography;
using Osprey.Engine.Images;
using Osprey.Interop.Formats;
using Osprey.Interop.Mpi;
using Osprey.Interop.Torch;
using Osprey.Kernels.Pooling;
using TorchSharp.Modules;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Model;

/// <summary>
/// Image batch → unit descriptors: ImageNet normalisation → backbone → pooling → L2, and with a head → FC (C→D) → batch normalisation → L2; of several turns
/// and at several scales where the configuration has them, joined to one → L2; and with a fitted whitening → P(x − m) → L2.
/// </summary>
/// <remarks>Owns its tensors; the device is the caller's and outlives it. One thread at a time.</remarks>
public sealed partial class Embedder : nn.Module<Tensor, Tensor>
{
    const string BackboneName = "backbone";
    const string AuxiliaryMark = ".aux.";

    readonly Backbone backbone;
    readonly ImageNormalization normalization = new();
    readonly TorchPooling pooling;
    readonly TorchRowNormalization rows;
    readonly Tensor power;
    readonly int threads;
    WhiteningHead? head;
    SynchronizedNorm? synchronized;

    Embedder(EmbedderConfig config, Device device, long seed) : base(nameof(Embedder))
    {
        Config = config.Validate();
        threads = device.Threads;
        backbone = Backbone.Create(config, seed);
        register_module(BackboneName, backbone);
        pooling = new TorchPooling(device, config.Pooling);
        rows = new TorchRowNormalization(device);
        Tensor p = tensor((float)config.Power);
        if (config.LearnedPower)
        {
            var learned = new Parameter(p);
            p.Dispose();
            register_module("pool", new LearnedPower(learned));
            p = learned;
        }
        power = p.DetachFromDisposeScope();
        if (config.DescriptorSize is int dimension) AttachHead(dimension, seed + 1);
        if (config.WhitenedSize is int whitened) AttachWhitening(whitened);
        // Not torch's, whose sums follow the threads: one process trains as any number of them do.
        SynchronizeNorms(SingleProcess.Alone);
    }

    public EmbedderConfig Config { get; private set; }

    /// <summary>Length of a descriptor.</summary>
    public int Dimension => Config.WhitenedSize ?? UnwhitenedSize;

    /// <summary>Channels of the backbone's feature map, the descriptor's length before the head.</summary>
    public int Channels => backbone.Channels;

    /// <summary>SHA-256, in lower-case hex, of the <c>model.safetensors</c> that <see cref="Save"/> writes now. Reads every weight.</summary>
    public string WeightsSha256
    {
        get
        {
            using var sha = SHA256.Create();
            using (var stream = new CryptoStream(Stream.Null, sha, CryptoStreamMode.Write)) SafeTensors.Write(stream, State(includeAuxiliary: false));
            return Convert.ToHexStringLower(sha.Hash!);
        }
    }

    /// <summary>The batch normalisation in use, in training and in evaluation. <see cref="NormBranch.Auxiliary"/> only after <see cref="SplitNorms"/>.</summary>
    public NormBranch Branch
    {
        get;
        set
        {
            foreach (SplitBatchNorm norm in Norms()) norm.Branch = value;
            field = value;
        }
    }

    /// <summary>Whether there is an auxiliary batch normalisation, even if no layer needs one.</summary>
    public bool HasSplitNorms { get; private set; }

    /// <summary>An embedder with torchvision's random initialisation; the same seed gives the same weights.</summary>
    /// <exception cref="ArgumentException">The configuration is not valid.</exception>
    public static Embedder Create(EmbedderConfig config, Device device, long seed)
    {
        using var scope = NewDisposeScope();
        return new Embedder(config, device, seed);
    }

    /// <summary>
    /// Opens a run folder (<c>model.safetensors</c> and <c>model.json</c>), or a weights file alone: a backbone of torchvision's names,
    /// recognised by them, then GeM p=3 and L2.
    /// </summary>
    /// <param name="path">Folder or file.</param>
    /// <param name="device">Where the kernels run.</param>
    /// <param name="change">How images are described, where not as the run says, or as <see cref="EmbedderConfig"/> does for a weights file: size, scales, turns, precision.</param>
    /// <exception cref="ArgumentException">The configuration is not valid: at the smallest scale, say, too little is left of an image.</exception>
    /// <exception cref="FileNotFoundException">Neither is there.</exception>
    /// <exception cref="InvalidDataException">Broken, or of a network that this engine does not have.</exception>
    public static Embedder Open(string path, Device device, Func<EmbedderConfig, EmbedderConfig>? change = null)
    {
        using var scope = NewDisposeScope();
        ModelFiles files = ModelFiles.Locate(path);
        EmbedderConfig config = files.ReadConfig();
        var embedder = new Embedder(change?.Invoke(config) ?? config, device, seed: 0);
        try
        {
            IReadOnlyDictionary<string, Tensor> weights = WeightsFile.Read(files.Weights);
            if (files.IsRun) embedder.LoadState(weights, files.Weights);
            else embedder.backbone.LoadTorchvision(weights, files.Weights);
            embedder.eval();
            return embedder;
        }
        catch
        {
            embedder.Dispose();
            throw;
        }
    }

    /// <summary>Replaces the backbone's weights by those of a weights file or of another run; pooling and head stay.</summary>
    /// <exception cref="InvalidDataException">They do not fit; the message says how and guesses what they are.</exception>
    public void LoadBackbone(string path)
    {
        using var scope = NewDisposeScope();
        ModelFiles files = ModelFiles.Locate(path);
        IReadOnlyDictionary<string, Tensor> weights = WeightsFile.Read(files.Weights);
        Unfold();
        if (files.IsRun)
            weights = weights.Where(w => w.Key.StartsWith(BackboneName + ".", StringComparison.Ordinal) && !w.Key.Contains(AuxiliaryMark, StringComparison.Ordinal))
                .ToDictionary(w => w.Key[(BackboneName.Length + 1)..], w => w.Value);
        backbone.LoadTorchvision(weights, files.Weights);
    }

    /// <summary>Differentiable, in the module's mode and <see cref="Branch"/>.</summary>
    /// <param name="pixels">[N,3,H,W] float32, RGB in 0…1.</param>
    /// <returns>[N,D], rows of norm 1.</returns>
    public Tensor Describe(Tensor pixels) => DescribeWith(backbone.call, pixels);

    Tensor DescribeWith(Func<Tensor, Tensor> network, Tensor pixels)
    {
        if (pixels.dim() != 4 || pixels.shape[1] != 3 || pixels.dtype != ScalarType.Float32)
            throw new ArgumentException($"images are float32 [N,3,H,W]; {pixels.dtype} [{string.Join(",", pixels.shape)}] was given");
        using var scope = NewDisposeScope();
        Tensor descriptor = Config.Scales is { } scales ? rows.Apply(MultiScale.Describe(pixels, scales, ScalePower, p => DescribeTurned(p, network))) : DescribeTurned(pixels, network);
        if (whitening is not null) descriptor = rows.Apply(whitening.call(descriptor));
        return descriptor.MoveToOuterDisposeScope();
    }

    /// <summary>At the size that the images have, before any fitted whitening.</summary>
    Tensor DescribeTurned(Tensor pixels, Func<Tensor, Tensor> network) =>
        Config.Turns is { } turns ? rows.Apply(QuarterTurns.Describe(pixels, turns, p => DescribeOnce(p, network))) : DescribeOnce(pixels, network);

    Tensor DescribeOnce(Tensor pixels, Func<Tensor, Tensor> network)
    {
        Tensor map = network(normalization.Apply(pixels));
        Tensor descriptor = rows.Apply(pooling.Apply(map, power));
        return head is null ? descriptor : rows.Apply(head.call(descriptor));
    }

    public override Tensor forward(Tensor input) => Describe(input);

    /// <summary>Gives every batch normalisation an auxiliary set, a copy of the main one. A backbone without any (SqueezeNet) keeps none.</summary>
    public void SplitNorms()
    {
        using var scope = NewDisposeScope();
        foreach (SplitBatchNorm norm in Norms()) norm.Split();
        HasSplitNorms = true;
    }

    /// <summary>Brings a learned power back into the range that GeM is defined on, 0.01 to 100. For after an update, which knows no bounds; NaN stays.</summary>
    public void LimitPower()
    {
        if (!Config.LearnedPower) return;
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        power.clamp_(PoolingKernel.SmallestPower, PoolingKernel.LargestPower);
    }

    /// <summary>Adds the whitening head C→D: U(−1/√C, 1/√C) weights and bias, batch normalisation 1, 0.</summary>
    /// <exception cref="InvalidOperationException">There is a head, or a whitening fitted to what there is without one.</exception>
    public void AddHead(int dimension, long seed)
    {
        if (whitening is not null) throw new InvalidOperationException("the model has a whitening that was fitted to its descriptors, which a head would change");
        if (head is not null) throw new InvalidOperationException($"the model has a head already, of {Config.DescriptorSize} dimensions");
        Config = (Config with { DescriptorSize = dimension }).Validate();
        using var scope = NewDisposeScope();
        AttachHead(dimension, seed);
    }

    void AttachHead(int dimension, long seed)
    {
        head = new WhiteningHead(backbone.Channels, dimension, seed);
        head.train(training);
        if (HasSplitNorms) head.Norm.Split();
        head.Norm.Branch = Branch;
        head.Norm.Synchronized = synchronized;
        register_module("head", head);
    }

    public IEnumerable<(string Name, Parameter Parameter)> BackboneParameters => named_parameters().Where(p => IsBackbone(p.name)).Select(p => (p.name, p.parameter));

    /// <summary>The head's parameters, and GeM's power where it is learned.</summary>
    public IEnumerable<(string Name, Parameter Parameter)> HeadParameters => named_parameters().Where(p => !IsBackbone(p.name)).Select(p => (p.name, p.parameter));

    static bool IsBackbone(string name) => name.StartsWith(BackboneName + ".", StringComparison.Ordinal);

    /// <summary>Parameters and running statistics by name, in a fixed order: the live tensors, not copies.</summary>
    public Dictionary<string, Tensor> State(bool includeAuxiliary)
    {
        Dictionary<string, Tensor> state = ModuleTensors.State(this);
        return includeAuxiliary ? state : state.Where(s => !s.Key.Contains(AuxiliaryMark, StringComparison.Ordinal)).ToDictionary();
    }

    /// <summary>Copies the values of a <see cref="State"/> in; splits the norms first where it has auxiliary ones.</summary>
    /// <exception cref="InvalidDataException">Names or shapes differ; the message names the first few.</exception>
    public void LoadState(IReadOnlyDictionary<string, Tensor> state, string source = "the state")
    {
        if (state.Keys.Any(n => n.Contains(AuxiliaryMark, StringComparison.Ordinal))) SplitNorms();
        Dictionary<string, Tensor> own = State(includeAuxiliary: true);
        WeightsFit fit = WeightsFit.Check(own, state, _ => false);
        if (!fit.IsExact) throw new InvalidDataException($"{source} does not fit a model of {backbone.Describe()}, {Dimension} dimensions: {fit.Describe()}");
        Unfold();
        ModuleTensors.Copy(state, own);
    }

    /// <summary>
    /// Writes <c>model.json</c> and then <c>model.safetensors</c> (without auxiliary statistics: evaluation needs none), so that where the weights are, the rest is too.
    /// </summary>
    public void Save(string dir)
    {
        Directory.CreateDirectory(dir);
        Json.Write(Path.Combine(dir, ModelFiles.ConfigName), Config);
        SafeTensors.Write(Path.Combine(dir, ModelFiles.WeightsName), State(includeAuxiliary: false));
    }

    /// <summary>Descriptors of one batch, in evaluation mode, by the main statistics and without gradients; the mode is as before afterwards.</summary>
    /// <param name="pixels">[images,3,size,size], RGB in 0…1.</param>
    /// <param name="images">N, 0 or more.</param>
    /// <param name="size">Side, in pixels.</param>
    /// <param name="descriptors">[images, <see cref="Dimension"/>], written.</param>
    public void Embed(ReadOnlySpan<float> pixels, int images, int size, Span<float> descriptors)
    {
        if (descriptors.Length != (long)images * Dimension)
            throw new ArgumentException($"{descriptors.Length} values are there for {images} descriptors of {Dimension}");
        if (images == 0) return;
        using var settled = new EvaluationMode(this);
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        if (Config.Precision is not null) Fold();
        TensorMemory.Read(DescribeWith(folded is null ? backbone.call : folded.Map, TensorMemory.FromSpan(pixels, images, 3, size, size))).CopyTo(descriptors);
    }

    /// <summary>As the other overload, of a loaded batch.</summary>
    public void Embed(ImageBatch batch, Span<float> descriptors) => Embed(batch.Pixels, batch.Count, batch.Size, descriptors);

    /// <summary>All descriptors of some batches, [N, <see cref="Dimension"/>] in their order.</summary>
    public float[] Embed(IEnumerable<ImageBatch> batches)
    {
        var parts = new List<float[]>();
        foreach (ImageBatch batch in batches)
        {
            float[] part = new float[batch.Count * Dimension];
            Embed(batch, part);
            parts.Add(part);
        }
        return [.. parts.SelectMany(p => p)];
    }

    IEnumerable<SplitBatchNorm> Norms() => modules().OfType<SplitBatchNorm>();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Unfold();
            pooling.Dispose();
            rows.Dispose();
            normalization.Dispose();
            power.Dispose();
        }
        base.Dispose(disposing);
    }
}
