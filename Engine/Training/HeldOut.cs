using Osprey.Engine.Datasets;
using Osprey.Engine.Evaluation;
using Osprey.Engine.Images;
using Osprey.Engine.Model;
using TorchSharp;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Training;

/// <summary>A part of the source that nothing is learned from: after each epoch its retrieval tells how good the weights are, and the best are kept.</summary>
/// <remarks>
/// Never a target set: what is chosen here may be reported there. Stratified and seeded; files of the same content stay on one side. Each
/// image is a query against the rest of the part, as in the retrieval protocol. Measured on a network of its own, so that the one in
/// training is not touched.
/// </remarks>
internal sealed class HeldOut : IDisposable
{
    readonly ImageSet part;
    readonly ImageLoader loader;
    readonly Embedder judge;
    readonly EvalConfig protocol = new() { CutOffs = [1], BootstrapSamples = 1 };
    readonly int threads;

    /// <param name="part">The images held out, two or more of some class.</param>
    /// <param name="embedder">The network in training, for its shape.</param>
    public HeldOut(ImageSet part, Embedder embedder, int batchSize, Device device, int threads, bool cache)
    {
        this.part = part;
        this.threads = threads;
        loader = new ImageLoader(new ImageDecoder(new DecodeOptions()), embedder.Config.ImageSize, batchSize, threads, cache);
        judge = Embedder.Create(embedder.Config, device, seed: 0);
        Best = ModuleTensors.Clone(embedder.State(includeAuxiliary: false));
    }

    /// <summary>The weights of the best epoch by name, those of the start before the first; live, owned here.</summary>
    public IReadOnlyDictionary<string, Tensor> Best { get; }

    public IReadOnlyList<BadFile> BadFiles => loader.BadFiles;

    /// <summary>Mean average precision with these weights.</summary>
    public double Measure(IReadOnlyDictionary<string, Tensor> weights)
    {
        using DisposeScope scope = NewDisposeScope();
        judge.LoadState(weights, "the network in training");
        judge.eval();
        Descriptors found = DescriptorExtraction.Extract(judge, part.Images, loader);
        var set = new DescriptorSet(found.Values, found.Dimension, found.Labels, part.Classes.Count);
        return RetrievalEvaluation.Run(set, protocol, threads).Map.Value;
    }

    public void Keep(IReadOnlyDictionary<string, Tensor> weights) => ModuleTensors.Copy(weights, Best);

    public void Dispose()
    {
        judge.Dispose();
        foreach (Tensor value in Best.Values) value.Dispose();
    }
}
