using Osprey.Engine.Datasets;
using Osprey.Engine.Images;
using Osprey.Engine.Model;
using Osprey.Interop.Torch;
using TorchSharp;
using static TorchSharp.torch;
using Device = Osprey.Kernels.Device;

namespace Osprey.Engine.Robust;

/// <summary>What an attack did to one image, measured on the file that was written.</summary>
/// <param name="Source">The file attacked.</param>
/// <param name="File">The file written, below the output folder.</param>
/// <param name="Linf">Largest change of a value, of the pixel range.</param>
/// <param name="L2">Euclidean length of the change, same unit.</param>
/// <param name="Shift">1 − cosine between the descriptors before and after.</param>
public sealed record AdversarialImage(string Source, string File, double Linf, double L2, double Shift);

/// <param name="Mean">Over the images.</param>
/// <param name="Max">The largest.</param>
public readonly record struct Spread(double Mean, double Max)
{
    internal static Spread Of(IEnumerable<double> values)
    {
        double[] all = [.. values];
        return new Spread(all.Average(), all.Max());
    }
}

/// <summary>What an attack did to a data set; <c>statistics.json</c>.</summary>
public sealed record AdversarialStatistics
{
    public required string WeightsSha256 { get; init; }
    public required int ImageSize { get; init; }
    public required Threat Threat { get; init; }
    public required long Seed { get; init; }
    public required Spread Linf { get; init; }
    public required Spread L2 { get; init; }
    public required Spread Shift { get; init; }
    public required IReadOnlyList<AdversarialImage> Images { get; init; }
    public required IReadOnlyList<BadFile> BadFiles { get; init; }
}

/// <summary>Writes images that an attack has moved as far as it can in a model's descriptor space.</summary>
/// <remarks>
/// The objective is 1 − cosine to the image's own clean descriptor; it needs no labels, and a random start, since its gradient vanishes at
/// the clean image. Files are PNG of the model's size; rounding to 8 bits keeps an ℓ∞ perturbation inside an ε of whole 255ths, and the
/// statistics are taken after it.
/// </remarks>
public static class AdversarialImages
{
    public const string StatisticsName = "statistics.json";

    /// <param name="embedder">Attacked in evaluation mode with its main statistics.</param>
    /// <param name="images">The set whose files are attacked.</param>
    /// <param name="threat">The ball and the search; with a random start.</param>
    /// <param name="seed">Of the random starts.</param>
    /// <param name="loader">Decodes at the size that the embedder takes.</param>
    /// <param name="dir">Output: CLASS/NAME.png and <see cref="StatisticsName"/>; made if it is not there, and empty if it is.</param>
    /// <param name="device">Where the perturbation steps run.</param>
    /// <param name="progress">In images.</param>
    /// <param name="cancellation">Looked at between batches.</param>
    /// <exception cref="ArgumentException">The threat has no random start, or the folder is not empty.</exception>
    public static AdversarialStatistics Write(
        Embedder embedder, ImageSet images, Threat threat, long seed, ImageLoader loader, string dir, Device device, IProgress<Progress>? progress = null, CancellationToken cancellation = default)
    {
        threat.Validate();
        if (!threat.RandomStart) throw new ArgumentException("an attack on the descriptor has no gradient at the clean image; it needs a random start");
        if (Directory.Exists(dir) && Directory.EnumerateFileSystemEntries(dir).Any()) throw new ArgumentException($"{dir} is not empty; give a new folder");
        embedder.eval();
        embedder.Branch = NormBranch.Main;
        var written = new List<AdversarialImage>();
        using var attack = new Attack(device, threat);
        foreach (ImageBatch batch in loader.Load(images.Images, cancellation))
        {
            cancellation.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            Tensor pixels = TensorMemory.FromSpan(batch.Pixels, batch.Count, 3, batch.Size, batch.Size);
            float[] before = new float[batch.Count * embedder.Dimension], after = new float[before.Length];
            embedder.Embed(batch, before);
            Tensor clean = TensorMemory.FromSpan(before, batch.Count, embedder.Dimension);
            // Each batch its own stream of random starts.
            ulong start = new SeededRandom(seed, batch.Indices[0]).NextBits();
            Tensor perturbed = attack.Perturb(pixels, x => DescriptorShift.Between(embedder.Describe(x), clean), start);

            RgbImage[] pictures = [.. Enumerable.Range(0, batch.Count).Select(i => Picture(TensorMemory.Read(perturbed), i, batch.Size))];
            float[] rounded = new float[batch.Pixels.Length];
            int values = 3 * batch.Size * batch.Size;
            for (int i = 0; i < batch.Count; i++) Planar.Write(pictures[i], rounded.AsSpan(i * values, values));
            embedder.Embed(rounded, batch.Count, batch.Size, after);
            for (int i = 0; i < batch.Count; i++)
            {
                LabelledImage source = images.Images[batch.Indices[i]];
                string file = Path.Combine(images.Classes[source.Label], Path.GetFileNameWithoutExtension(source.Path) + ".png");
                for (int n = 2; File.Exists(Path.Combine(dir, file)); n++)
                    file = Path.Combine(images.Classes[source.Label], $"{Path.GetFileNameWithoutExtension(source.Path)}-{n}.png");
                Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(dir, file))!);
                File.WriteAllBytes(Path.Combine(dir, file), SceneSynthesis.Encode(pictures[i], SceneFormat.Png, 100));
                (double linf, double l2) = Change(batch.Pixels.AsSpan(i * values, values), rounded.AsSpan(i * values, values));
                written.Add(new AdversarialImage(source.Path, file, linf, l2, Shift(before, after, i, embedder.Dimension)));
            }
            progress?.Report(new Progress("attacking", batch.Indices[^1] + 1, images.Images.Count, "images", $"shift {written.Average(w => w.Shift):0.000}"));
        }
        var statistics = new AdversarialStatistics
        {
            WeightsSha256 = embedder.WeightsSha256,
            ImageSize = loader.ImageSize,
            Threat = threat,
            Seed = seed,
            Linf = Spread.Of(written.Select(w => w.Linf)),
            L2 = Spread.Of(written.Select(w => w.L2)),
            Shift = Spread.Of(written.Select(w => w.Shift)),
            Images = written,
            BadFiles = loader.BadFiles,
        };
        Json.Write(Path.Combine(dir, StatisticsName), statistics);
        return statistics;
    }

    static RgbImage Picture(ReadOnlySpan<float> pixels, int image, int size) => Planar.Read(pixels.Slice(image * 3 * size * size, 3 * size * size), size, size);

    static (double Linf, double L2) Change(ReadOnlySpan<float> before, ReadOnlySpan<float> after)
    {
        double largest = 0, squares = 0;
        for (int i = 0; i < before.Length; i++)
        {
            double change = Math.Abs((double)after[i] - before[i]);
            largest = Math.Max(largest, change);
            squares += change * change;
        }
        return (largest, Math.Sqrt(squares));
    }

    static double Shift(float[] before, float[] after, int row, int dimension)
    {
        double cosine = 0;
        for (int d = 0; d < dimension; d++) cosine += (double)before[row * dimension + d] * after[row * dimension + d];
        return 1 - cosine;
    }
}
