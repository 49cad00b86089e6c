using Osprey.Engine.Datasets;
using Osprey.Interop.Mpi;
using Osprey.Kernels;

namespace Osprey.Engine.Evaluation;

/// <summary>Everything that can be measured on clean descriptors, wherever they come from.</summary>
static class DescriptorEvaluation
{
    /// <summary>Retrieval and classification of one model on one data set; the result has no attacks yet.</summary>
    /// <param name="model">Its name.</param>
    /// <param name="images">The files behind <paramref name="set"/>, readable ones only.</param>
    /// <param name="set">[N] descriptors.</param>
    /// <param name="imageSize">Side the images were resized to, in pixels.</param>
    /// <param name="badFiles">What was left out.</param>
    /// <param name="config">What to measure.</param>
    /// <param name="device">Where neighbours are searched.</param>
    /// <param name="ranks">They share out queries and splits; each has the result.</param>
    /// <param name="progress">Stages.</param>
    /// <param name="cancellation">Checked throughout.</param>
    public static ModelResult Run(
        string model, ImageSet images, DescriptorSet set, int imageSize, IReadOnlyList<BadFile> badFiles, EvalConfig config, Device device,
        ICommunicator ranks, IProgress<Progress>? progress, CancellationToken cancellation)
    {
        progress?.Report(new Progress("ranking", 0, 1, "passes"));
        RetrievalReport retrieval = RetrievalEvaluation.Run(set, config, device.Threads, ranks, cancellation);
        IReadOnlyList<RefinedReport> refined = [];
        if (config.Expansion is not null || config.ReRanking is not null)
        {
            progress?.Report(new Progress("expanding and re-ranking", 0, 1, "passes"));
            refined = RefinedEvaluation.Run(set, retrieval, config, device, ranks, cancellation);
        }
        var classification = new List<ClassificationReport>();
        if (ClassificationEvaluation.IsPossible(set))
        {
            foreach (double fraction in config.TrainFractions)
            {
                progress?.Report(new Progress("classifying", classification.Count, config.TrainFractions.Count, "shares"));
                classification.Add(ClassificationEvaluation.Run(set, images.Classes, fraction, config, device, ranks, cancellation));
            }
            progress?.Report(new Progress("classifying", classification.Count, config.TrainFractions.Count, "shares"));
        }
        return new ModelResult(images)
        {
            Model = model,
            Data = images.Name,
            Images = set.Count,
            Classes = set.ClassCounts().Count(n => n > 0),
            Dimension = set.Dimension,
            ImageSize = imageSize,
            Retrieval = retrieval,
            Refined = refined.Count > 0 ? refined : null,
            Classification = classification.FirstOrDefault(),
            ClassificationOtherSplits = classification.Count > 1 ? classification[1..] : null,
            BadFiles = badFiles,
        };
    }
}
