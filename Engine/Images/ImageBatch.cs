namespace Osprey.Engine.Images;

/// <summary>Pictures of one size as a network takes them. Images whose file is bad are absent.</summary>
public sealed class ImageBatch
{
    /// <param name="indices">Positions of the images in the list that is being loaded, ascending.</param>
    /// <param name="size">Side in pixels.</param>
    /// <param name="pixels">[n, 3, size, size], planar RGB in 0…1; taken, not copied.</param>
    public ImageBatch(int[] indices, int size, float[] pixels)
    {
        if (pixels.LongLength != 3L * indices.Length * size * size)
            throw new ArgumentException($"{pixels.LongLength} values were given for {indices.Length} images of 3×{size}×{size}");
        Indices = indices;
        Size = size;
        Pixels = pixels;
    }

    public int[] Indices { get; }

    public int Size { get; }

    public float[] Pixels { get; }

    /// <summary>How many images it holds.</summary>
    public int Count => Indices.Length;
}
