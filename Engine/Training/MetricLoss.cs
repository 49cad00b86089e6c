using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Osprey.Engine.Training;

/// <summary>What fine-tuning minimises: a scalar of a batch of descriptors and their labels. Losses without class weights have no parameters.</summary>
public abstract class MetricLoss : IDisposable
{
    /// <param name="unit">[N,D] unit rows.</param>
    /// <param name="labels">[N] int64.</param>
    /// <returns>The batch's mean, a differentiable scalar that the caller owns. Of a batch that has nothing to compare, 0 with gradients of 0.</returns>
    public abstract Tensor Compute(Tensor unit, Tensor labels);

    /// <summary>What the loss itself learns, by name; owned here.</summary>
    public virtual IReadOnlyList<(string Name, Parameter Value)> Parameters => [];

    /// <param name="classes">Labels are 0…classes−1.</param>
    /// <param name="dimension">D.</param>
    public static MetricLoss Create(TrainConfig config, int classes, int dimension) => config.Loss switch
    {
        LossKind.ArcFace => new ArcFace(classes, dimension, config.Scale, config.Margin, config.Seed),
        LossKind.NormSoftmax => new NormSoftmax(classes, dimension, config.Scale, config.Seed),
        LossKind.Contrastive => new Contrastive(config.ContrastiveMargin),
        LossKind.Triplet => new Triplet(config.TripletMargin),
        LossKind.SmoothAP => new SmoothAP(config.SmoothAPTemperature),
        _ => throw new ArgumentException($"the loss is {config.Loss}; give arcface, norm_softmax, contrastive, triplet or smooth_ap"),
    };

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (!disposing) return;
        foreach ((_, Parameter value) in Parameters) value.Dispose();
    }
}
