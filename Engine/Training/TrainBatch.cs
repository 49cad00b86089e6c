using Osprey.Engine.Datasets;
using Osprey.Engine.Images;

namespace Osprey.Engine.Training;

/// <summary>One step's input.</summary>
/// <param name="Pixels">[N,3,S,S] in 0..1, N the images that this process has of it.</param>
/// <param name="Labels">[N].</param>
/// <param name="Size">S, pixels.</param>
internal sealed record TrainBatch(float[] Pixels, long[] Labels, int Size)
{
    /// <summary>Draws, reads and augments the batch of <paramref name="step"/>. Same step, same batch; safe on several threads.</summary>
    /// <param name="size">S, pixels.</param>
    /// <param name="positions">Which of its images to make; each is the same whichever others are. Null: all.</param>
    /// <exception cref="InvalidDataException">No image of the set can be read.</exception>
    public static TrainBatch Make(TrainConfig config, BatchSampler sampler, IReadOnlyList<LabelledImage> images, Func<LabelledImage, RgbImage?> read, int size, long step, IReadOnlyList<int>? positions = null)
    {
        int[] drawn = sampler.Batch(step);
        positions ??= [.. Enumerable.Range(0, drawn.Length)];
        int values = 3 * size * size;
        var batch = new TrainBatch(new float[positions.Count * values], new long[positions.Count], size);
        for (int i = 0; i < positions.Count; i++)
        {
            (LabelledImage image, RgbImage picture) = Readable(images, read, drawn[positions[i]]);
            batch.Labels[i] = image.Label;
            Augmentation.Render(picture, View.Draw(config.Augmentation, config.Seed, step, positions[i]), size, batch.Pixels.AsSpan(i * values, values));
        }
        return batch;
    }

    /// <summary>The image, or the next in the set's order that can be read: mostly one of its class, and always the same.</summary>
    static (LabelledImage, RgbImage) Readable(IReadOnlyList<LabelledImage> images, Func<LabelledImage, RgbImage?> read, int index)
    {
        for (int i = 0; i < images.Count; i++)
        {
            LabelledImage image = images[(index + i) % images.Count];
            if (read(image) is RgbImage picture) return (image, picture);
        }
        throw new InvalidDataException($"none of the {images.Count} training images can be read; the first is {images[0].Path}");
    }
}
