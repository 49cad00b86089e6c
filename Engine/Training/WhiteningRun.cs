using Osprey.Engine.Datasets;
using Osprey.Engine.Images;
using Osprey.Engine.Model;
using Osprey.Engine.Retrieval;

namespace Osprey.Engine.Training;

/// <summary>What a whitening came from: <c>whitening.json</c> of its run, and beside it the files of any run.</summary>
/// <param name="Whitening">What was asked for; the size and shrinkage that came of it are the record's own.</param>
/// <param name="Shrinkage">δ that was used, 0…1.</param>
/// <param name="Channels">C, length of the descriptors before.</param>
/// <param name="Size">D, length after.</param>
/// <param name="Images">Descriptors it was fitted to.</param>
/// <param name="Pairs">Ordered pairs of matching images; null for <see cref="WhiteningMethod.Pca"/>, which knows none.</param>
/// <param name="Data">The images asked for, readable or not.</param>
/// <param name="Preprocessing">What happened to them before the network.</param>
/// <param name="Model">The model that described them, as it was then.</param>
/// <param name="WeightsSha256">Of that model's <c>model.safetensors</c>.</param>
/// <param name="BadFiles">Images that could not be read.</param>
public sealed record WhiteningRecord(
    WhiteningConfig Whitening, double Shrinkage, int Channels, int Size, int Images, long? Pairs, TrainingData Data, string Preprocessing, string Model, string WeightsSha256,
    IReadOnlyList<BadFile> BadFiles);

/// <summary>Fits a whitening to a model's descriptors and writes model and whitening as a run of their own.</summary>
public static class WhiteningRun
{
    public const string RecordName = "whitening.json";

    /// <param name="embedder">Describes the images, and is whitened in place.</param>
    /// <param name="model">Where it was opened from; recorded.</param>
    /// <param name="set">What the whitening is fitted to; its classes say which images match.</param>
    /// <param name="config">Method, size and shrinkage.</param>
    /// <param name="run">The new run's folder.</param>
    /// <param name="decoding">How files become pictures.</param>
    /// <param name="batchSize">Images per forward pass, 1 or more.</param>
    /// <param name="threads">Decoding threads, 1 or more.</param>
    /// <param name="progress">In images.</param>
    /// <param name="cancellation">Looked at before every batch; nothing is written.</param>
    /// <exception cref="ArgumentException">A value is out of range, the folder holds a model, the model is whitened already, or the images are too few.</exception>
    /// <exception cref="InvalidDataException">No image can be read.</exception>
    public static WhiteningRecord Run(
        Embedder embedder, string model, ImageSet set, WhiteningConfig config, string run, DecodeOptions decoding, int batchSize, int threads,
        IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        config.Validate();
        if (Directory.Exists(run) && Directory.EnumerateFileSystemEntries(run).Any()) throw new ArgumentException($"{run} is not empty; choose another folder (--out)");
        if (embedder.Config.WhitenedSize is int whitened)
            throw new ArgumentException($"{model} has a whitening to {whitened} dimensions already; give the model that it was fitted to, which its {RecordName} names");
        int channels = embedder.Dimension, size = config.Size ?? channels;
        if (size > channels) throw new ArgumentException($"the whitened size is {size}, and the model's descriptors have {channels} values; give 1 to {channels}");
        string weights = embedder.WeightsSha256;
        var loader = new ImageLoader(new ImageDecoder(decoding), embedder.Config.ImageSize, batchSize, threads);
        Descriptors found = DescriptorExtraction.Extract(embedder, set.Images, loader, progress, cancellation: cancellation);
        FittedWhitening fitted = config.Method == WhiteningMethod.Pca
            ? WhiteningFit.Pca(found.Values, channels, size, config.Shrinkage)
            : WhiteningFit.Learned(found.Values, channels, found.Labels, size, config.Shrinkage);
        embedder.Whiten(fitted);

        var record = new WhiteningRecord(
            config, fitted.Shrinkage, channels, size, found.Count, config.Method == WhiteningMethod.Pca ? null : WhiteningFit.Pairs(found.Labels), TrainingData.Of(set),
            new Preprocessing(embedder.Config.ImageSize, decoding).ToString(), Path.GetFullPath(model), weights, found.BadFiles);
        Directory.CreateDirectory(run);
        Json.Write(Path.Combine(run, RecordName), record);
        embedder.Save(run);
        return record;
    }
}
