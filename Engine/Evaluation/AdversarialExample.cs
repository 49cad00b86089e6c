using Osprey.Engine.Datasets;
using Osprey.Kernels;

namespace Osprey.Engine.Evaluation;

/// <summary>One of the attacked queries behind a <see cref="RobustReport"/>, to look at.</summary>
/// <param name="Query">The image attacked.</param>
/// <param name="Size">Side of the square the network saw, in pixels.</param>
/// <param name="Clean">[3, Size, Size], each 0…1: what the network saw without the attack.</param>
/// <param name="Attacked">The same under attack.</param>
/// <param name="Shift">1 − cosine between the two descriptors.</param>
/// <param name="Before">The answer to the clean image.</param>
/// <param name="After">The answer to the attacked one.</param>
public sealed record AdversarialExample(LabelledImage Query, int Size, float[] Clean, float[] Attacked, double Shift, GalleryAnswer Before, GalleryAnswer After)
{
    /// <summary>Examples kept of one model, data set and threat.</summary>
    internal const int Most = 3;

    /// <summary>Which attacked images are kept: evenly through the list, whatever comes of them, so that every model and threat shows the same.</summary>
    /// <param name="chosen">The ids attacked, rising, and so class by class.</param>
    internal static int[] Choose(int[] chosen)
    {
        int count = Math.Min(Most, chosen.Length);
        return [.. Enumerable.Range(0, count).Select(i => chosen[(2 * i + 1) * chosen.Length / (2 * count)])];
    }

    /// <param name="pixels">By id: both images as above, of those that are kept.</param>
    /// <param name="set">[N] clean descriptors.</param>
    /// <param name="ids">[Q] the images attacked.</param>
    /// <param name="attacked">[Q, D] their descriptors under attack.</param>
    /// <param name="images">[N] the files.</param>
    /// <param name="size">Side, in pixels.</param>
    /// <param name="device">Where neighbours are searched.</param>
    internal static AdversarialExample[] Create(
        IReadOnlyDictionary<int, (float[] Clean, float[] Attacked)> pixels, DescriptorSet set, int[] ids, float[] attacked, IReadOnlyList<LabelledImage> images, int size, Device device)
    {
        int dimension = set.Dimension;
        int[] kept = [.. pixels.Keys.Order()];
        float[] clean = set.Rows(kept);
        float[] moved = [.. kept.SelectMany(id => attacked.AsSpan(Array.IndexOf(ids, id) * dimension, dimension).ToArray())];
        GalleryAnswer[] before = GalleryAnswer.Find(set, clean, kept, images, device), after = GalleryAnswer.Find(set, moved, kept, images, device);
        double Shift(int row)
        {
            double cosine = 0;
            for (int d = 0; d < dimension; d++) cosine += (double)clean[row * dimension + d] * moved[row * dimension + d];
            return 1 - cosine;
        }
        return [.. kept.Select((id, row) => new AdversarialExample(images[id], size, pixels[id].Clean, pixels[id].Attacked, Shift(row), before[row], after[row]))];
    }
}
