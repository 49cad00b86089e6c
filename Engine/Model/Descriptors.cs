namespace Osprey.Engine.Model;

/// <summary>Descriptors of the readable images of a list.</summary>
/// <param name="Values">[N,D], one unit row per image.</param>
/// <param name="Dimension">D.</param>
/// <param name="Indices">Position of each row's image in the list, ascending.</param>
/// <param name="Labels">Label of each row's image.</param>
/// <param name="BadFiles">The images left out.</param>
public sealed record Descriptors(float[] Values, int Dimension, int[] Indices, int[] Labels, IReadOnlyList<BadFile> BadFiles)
{
    public int Count => Indices.Length;

    public ReadOnlySpan<float> Row(int i) => Values.AsSpan(i * Dimension, Dimension);
}
